import { resolve } from "node:path";
import { parseArgs } from "node:util";

import { localSecret, signToken } from "../token.ts";

export const usage = `Usage: npm run import -- <file> [<file> …] [options]

  Files of flows or templates, as mongoexport of the original's database or an export of this service writes them:
  one document to a line, or one array. Also packed (.gz), and - for what comes from a pipe. Templates go first.

  --dry-run        say what would become of each document, and write nothing
  --templates      the files have templates, also where no status says so
  --url <url>      where the service is; http://localhost:8787 if not told
  --token <token>  of an account with the permission all; or the variable FLOW_REPOSITORY_TOKEN
  --restart        begin anew, though an earlier run came to somewhere in the file
  --report <file>  where refused documents are told; <file>.refused.ndjson if not told`;

export interface Options {
  readonly files: readonly string[];
  readonly isDry: boolean;
  readonly areTemplates: boolean;
  readonly url: URL;
  readonly token: string;
  readonly isAnew: boolean;
  readonly report: string | undefined;
}

/** Something that the caller has to mend; nothing is tried again. */
export class Plain extends Error {}

export async function optionsIn(args: readonly string[]): Promise<Options> {
  const { values, positionals } = parsed(args);
  if (positionals.length === 0) throw new Plain(`Name a file.\n\n${usage}`);
  if (values.report !== undefined && positionals.length > 1) throw new Plain("--report goes with one file.");
  const url = URL.parse(values.url);
  if (url === null || !/^https?:$/.test(url.protocol)) throw new Plain(`--url ${values.url} is no address.`);
  return {
    files: positionals.map((file) => (file === "-" ? file : resolve(from(), file))),
    isDry: values["dry-run"],
    areTemplates: values.templates,
    url,
    token: values.token ?? process.env["FLOW_REPOSITORY_TOKEN"] ?? (await localToken(url)),
    isAnew: values.restart,
    report: values.report && resolve(from(), values.report),
  };
}

/** npm goes to the folder of the project before it runs anything. */
const from = (): string => process.env["INIT_CWD"] ?? process.cwd();

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        "dry-run": { type: "boolean", default: false },
        templates: { type: "boolean", default: false },
        url: { type: "string", default: "http://localhost:8787" },
        token: { type: "string" },
        restart: { type: "boolean", default: false },
        report: { type: "string" },
      },
    });
  } catch (error) {
    throw new Plain(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
  }
}

export const isLocal = ({ hostname }: URL): boolean => ["localhost", "127.0.0.1", "[::1]"].includes(hostname);

/** Only the stack of this machine is one whose secret stands in a file here. */
export async function localToken(url: URL, sub = "import"): Promise<string> {
  const advice = "Give --token, or set FLOW_REPOSITORY_TOKEN: a token of an account with the permission all.";
  if (!isLocal(url)) throw new Plain(advice);
  try {
    return await signToken(localSecret(), { sub, permissions: ["all"] });
  } catch (error) {
    throw new Plain(`${error instanceof Error ? error.message : String(error)}\n${advice}`);
  }
}
