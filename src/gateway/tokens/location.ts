import type { Call } from "../call.ts";

export type Location = "header" | "cookie" | "header_or_cookie" | "query" | "any";

/** A token that was sent, or why there is none to look at. */
export type Found = { readonly token: string } | { readonly fault: string; readonly isMissing: boolean };

type Sent = Pick<Call, "sent" | "sentQuery">;
type Reader = (call: Sent) => readonly string[];

const places: Readonly<Record<Location, readonly ("header" | "cookie" | "query")[]>> = {
  header: ["header"],
  cookie: ["cookie"],
  header_or_cookie: ["header", "cookie"],
  query: ["query"],
  any: ["header", "cookie", "query"],
};

const bearer = /^Bearer +(\S+)$/i;
const bareOrBearer = /^(?:Bearer +)?(\S+)$/i;
const quoted = /^"(.*)"$/;

/**
 * Makes what finds a token where it may stand: in the first of its places that has one. One that stands there more
 * than once is refused, because the destination may read the other one.
 */
export function tokenFinder(location: Location, name: string | undefined): (call: Sent) => Found {
  const readers = places[location].map((place) => readerOf[place](name));
  const where = location.replaceAll("_", " ");
  const missing = {
    fault: `There is none where it is looked for: ${whereOf(location, name, where)}.`,
    isMissing: true,
  };
  return (call) => {
    for (const read of readers) {
      const [token, ...more] = read(call);
      if (more.length > 0) return { fault: "It is sent more than once.", isMissing: false };
      if (token !== undefined && token !== "") return { token };
    }
    return missing;
  };
}

function whereOf(location: Location, name: string | undefined, words: string): string {
  if (location === "any") return "header, cookie or query";
  return name === undefined ? words : `${words} ${name}`;
}

const readerOf: Readonly<Record<"header" | "cookie" | "query", (name: string | undefined) => Reader>> = {
  header: (name = "authorization") => {
    const form = name.toLowerCase() === "authorization" ? bearer : bareOrBearer;
    return ({ sent }) => {
      const token = form.exec(sent.get(name) ?? "")?.[1];
      return token === undefined ? [] : [token];
    };
  },
  cookie:
    (name = "access_token") =>
    ({ sent }) =>
      cookiesIn(sent.get("cookie"), name),
  query:
    (name = "access_token") =>
    ({ sentQuery }) =>
      parametersIn(sentQuery, name),
};

/** Values of all parameters of a query with a name. */
export const parametersIn = (query: string, name: string): readonly string[] =>
  query === "" ? [] : new URLSearchParams(query).getAll(name);

function cookiesIn(header: string | null, name: string): string[] {
  if (header === null) return [];
  return header.split(";").flatMap((pair) => {
    const at = pair.indexOf("=");
    if (at < 0 || pair.slice(0, at).trim() !== name) return [];
    const value = pair.slice(at + 1).trim();
    return [quoted.exec(value)?.[1] ?? value];
  });
}
