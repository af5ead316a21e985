/** `npm run export`: writes all flows or templates to a file, for an import here or for the original's database. */
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { rename } from "node:fs/promises";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { finished } from "node:stream/promises";
import { parseArgs } from "node:util";

import { originalOf } from "./export/original.ts";
import { localToken, Plain } from "./import/options.ts";

const usage = `Usage: npm run export -- <file> [options]

  Writes what the account may see, one document to a line. The file is there once all is in it.

  --templates      templates, and not flows
  --original       as mongoimport takes it for the original's database, without workflows and APIs, which it does not
                   know; needs the permission all
  --url <url>      where the service is; http://localhost:8787 if not told
  --token <token>  of an account with flows.read (templates.read), all for everything; or FLOW_REPOSITORY_TOKEN`;

type Line = Record<string, unknown>;

async function optionsIn(args: readonly string[]) {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      templates: { type: "boolean", default: false },
      original: { type: "boolean", default: false },
      url: { type: "string", default: "http://localhost:8787" },
      token: { type: "string" },
    },
  });
  const [file] = positionals;
  if (file === undefined || positionals.length > 1) throw new Plain(`Name one file.\n\n${usage}`);
  const url = URL.parse(values.url);
  if (url === null || !/^https?:$/.test(url.protocol)) throw new Plain(`--url ${values.url} is no address.`);
  const token = values.token ?? process.env["FLOW_REPOSITORY_TOKEN"] ?? (await localToken(url, "export"));
  return {
    file: resolve(process.env["INIT_CWD"] ?? process.cwd(), file),
    noun: values.templates ? ("templates" as const) : ("flows" as const),
    isOriginal: values.original,
    url,
    token,
  };
}
type Options = Awaited<ReturnType<typeof optionsIn>>;

async function ask({ url, token }: Options, path: string): Promise<Response> {
  const answer = await fetch(new URL(path, url), {
    headers: { authorization: `Bearer ${token}` },
    redirect: "error",
  }).catch((error: unknown) => {
    throw new Plain(`${url.origin} does not answer. ${error instanceof Error ? error.message : ""}`);
  });
  if (answer.status !== 200) {
    throw new Plain(`${path} answered ${answer.status}. ${(await answer.text()).slice(0, 300)}`);
  }
  return answer;
}

/** An instance stands in an export without its graph; the original knows nothing of instances. */
async function withGraph(options: Options, line: Line): Promise<Line> {
  if (line["graph"] !== undefined || line["instance"] === undefined) return line;
  const { data } = (await (await ask(options, `/flows/${String(line["id"])}`)).json()) as { data: Line };
  return { ...line, graph: data["graph"] };
}

/** Whoever sees a part would have the original's database hold that part alone. */
async function requireAll(options: Options): Promise<void> {
  const answer = await fetch(new URL("/dead-letters", options.url), {
    headers: { authorization: `Bearer ${options.token}` },
    redirect: "error",
  }).catch(() => undefined);
  if (answer?.status === 403) {
    throw new Plain("--original needs a token of an account with the permission all: others see a part.");
  }
}

async function main(options: Options): Promise<void> {
  const { file, noun, isOriginal } = options;
  if (isOriginal) await requireAll(options);
  const answer = await ask(options, `/${noun}/export`);
  const part = `${file}.part`;
  const out = createWriteStream(part);
  const counts = { written: 0, left: 0 };
  const lines = createInterface({ input: Readable.from(answer.body!), crlfDelay: Infinity });
  for await (const text of lines) {
    const told = isOriginal ? await originalText(options, text) : text;
    if (told === undefined) counts.left += 1;
    else {
      counts.written += 1;
      if (!out.write(`${told}\n`)) await once(out, "drain");
    }
    if (counts.written % 10_000 === 0) process.stderr.write(`${counts.written} …\n`);
  }
  out.end();
  await finished(out);
  await rename(part, file);
  const left = counts.left === 0 ? "" : ` ${counts.left} were left out, which the original does not know.`;
  console.log(`${counts.written} ${noun} are in ${file}.${left}`);
  const collection = noun === "flows" ? "flows" : "flowTemplates";
  console.log(
    isOriginal
      ? `Next: mongoimport --uri … --collection ${collection} --drop --file ${file}`
      : `Next, where they are to go: npm run import -- ${file}`,
  );
}

/** What a template was before has no place there. */
async function originalText(options: Options, text: string): Promise<string | undefined> {
  const line = await withGraph(options, JSON.parse(text) as Line);
  const original = originalOf(line, options.noun === "flows" ? "flows" : "flowTemplates");
  return original && JSON.stringify(original);
}

try {
  await main(await optionsIn(process.argv.slice(2)));
} catch (error) {
  const isPlain = error instanceof Plain || (error as { code?: string }).code?.startsWith("ERR_PARSE_ARGS") === true;
  const told = error instanceof Error ? (isPlain ? error.message : `It broke off. ${error.message}`) : "It failed.";
  process.stderr.write(`${told}\n`);
  process.exitCode = 1;
}
