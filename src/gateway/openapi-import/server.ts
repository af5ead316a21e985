import { faultOfBase } from "../../apis/match.ts";
import { faultOfDestination } from "../../apis/path-params.ts";
import { type Fault, shown, warning } from "../../platform/faults.ts";
import { own, type Plain } from "./plain.ts";
import { spelled } from "./template.ts";

export interface Server {
  readonly basePath: string;
  readonly destination?: { readonly url: string };
  readonly findings: readonly Fault[];
}

const MOST_URL = 2000;
const MOST_BASE = 200;
const path = ["servers", 0, "url"];

/** Where calls go by the first server of a document, and under which path they come. */
export function serverOf(document: Plain, otherwise: string): Server {
  const servers = own(document, "servers");
  const [first, ...others] = Array.isArray(servers) ? (servers as unknown[]) : [];
  const url = own(first, "url");
  if (typeof url !== "string") {
    return without(otherwise, warning("NO_SERVER", [], "The document names no server. Set a destination."));
  }
  const { text, missing } = filled(url, own(first, "variables"));
  if (missing !== undefined) {
    const message = `The variable ${shown(missing)} of the server has no default. Set a destination.`;
    return without(otherwise, warning("SERVER_VARIABLE", path, message));
  }
  if (text.length > MOST_URL) return without(otherwise, unfit(`It has more than ${MOST_URL} characters.`));
  const more =
    others.length === 0
      ? []
      : [warning("SERVERS", ["servers", 1], "The first server is the destination. The others were left out.")];
  const { basePath, findings } = basePathOf(text, otherwise);
  const destination = destinationOf(text);
  const known = typeof destination === "string" ? { destination: { url: destination } } : {};
  const unknown = typeof destination === "string" ? [] : [destination];
  return { basePath, ...known, findings: [...unknown, ...findings, ...more] };
}

const without = (basePath: string, finding: Fault): Server => ({ basePath, findings: [finding] });

function filled(url: string, variables: unknown): { text: string; missing?: string } {
  let missing: string | undefined;
  // Each is cut to what is too long anyway: a long default in many places would make a text of gigabytes.
  const text = url.slice(0, MOST_URL + 1).replaceAll(/\{([^{}]*)\}/g, (_, name: string) => {
    const value = own(own(variables, name), "default");
    if (typeof value === "string" || typeof value === "number") return String(value).slice(0, MOST_URL + 1);
    missing ??= name;
    return "";
  });
  return missing === undefined ? { text } : { text, missing };
}

function destinationOf(url: string): string | Fault {
  if (/^\/(?!\/)/.test(url)) {
    return warning("SERVER_RELATIVE", path, "The server is a path without a host. Set a destination.");
  }
  if (url.includes("?")) return unfit("It has a query.");
  const plain = url.replace(/\/+$/, "");
  const message = faultOfDestination(plain, { kind: "path" });
  return message === undefined ? plain : unfit(message);
}

const unfit = (why: string): Fault =>
  warning("SERVER_UNFIT", path, `The server cannot be the destination. ${why} Set one by hand.`);

function basePathOf(url: string, otherwise: string): { basePath: string; findings: Fault[] } {
  const [, given = ""] = /^(?:[a-z][a-z\d+.-]*:\/\/[^/?#]*)?(\/[^?#]*)/i.exec(url) ?? [];
  const basePath = spelled(given.toWellFormed().replace(/\/+$/, ""));
  if (basePath === "") return { basePath: otherwise, findings: [] };
  const message = basePath.length > MOST_BASE ? `It has more than ${MOST_BASE} characters.` : faultOfBase(basePath);
  if (message === undefined) return { basePath, findings: [] };
  const finding = warning("BASE_PATH", path, `The base path is ${otherwise}, not the server's. ${message}`);
  return { basePath: otherwise, findings: [finding] };
}
