import { faultOfTemplate, type Received } from "./match.ts";

/**
 * What a destination is made of. `values`: it is the whole address of one resource, and its placeholders take that
 * resource's values. `path`: it stands for many resources, and the path that follows the base path is put behind it.
 */
export type Given = ({ readonly kind: "values" } & Received) | { readonly kind: "path" };

/** A call as it was sent, nothing of it decoded. */
export interface Called {
  /** What follows the base path. */
  readonly rest: string;
  readonly values: readonly string[];
  /** With its `?`, or empty. */
  readonly query: string;
}

const address = /^(https?:\/\/[^/?#]+)([^?#]*)(\?[^#]*)?$/i;
const placeholder = /^\{(.+)\}$/;
const WILDCARD = "*";

/** What keeps the path of a destination from being filled with what the resource receives. */
export function faultOfPath(template: string, received: Received): string | undefined {
  if (template === "") return undefined;
  const fault = faultOfTemplate(template, true);
  if (fault !== undefined) return fault;
  const { names, wildcard } = placesIn(template);
  if (wildcard && !received.wildcard) {
    return "The destination ends in *, but the path of the resource does not. Take it out of the destination.";
  }
  return names.length > received.values
    ? `The destination has ${names.length} different parameters, but the resource receives ${received.values}. ` +
        "Use fewer, or repeat one."
    : undefined;
}

/** What keeps an address from being a destination, once the environment's variables stand in it. */
export function faultOfDestination(url: string, given: Given): string | undefined {
  const [, origin, path = "", query = ""] = address.exec(url) ?? [];
  if (origin === undefined) {
    return url.includes("#")
      ? "A destination has no fragment. Leave out the # and what follows it."
      : "A destination is an address such as https://backend.example.com/orders.";
  }
  const parsed = URL.parse(origin);
  if (parsed === null || /[{}\\\s]/.test(origin)) return "The host of the destination is none.";
  if (origin.includes("@")) return "The destination holds a user or a password. Send them in a header.";
  if (/[{}]/.test(query)) return "Parameters stand in the path of a destination, not in its query.";
  if (/[^!-~]/.test(query)) return "The query of the destination holds a character that no query has. Encode it.";
  if (given.kind === "values") return faultOfPath(path, given);
  const fault = faultOfPath(path, { values: Infinity, wildcard: true });
  if (fault !== undefined) return fault;
  return /[{*]/.test(path)
    ? "A destination of many resources takes the path as it was called. Parameters stand in that of one resource."
    : undefined;
}

/**
 * The path of a destination with the values of a call: the k-th different placeholder takes the k-th value, whatever
 * either is called, and `*` that of the wildcard. Values that are left over are dropped, and none is decoded.
 */
export const mapPath = (template: string, values: readonly string[]): string => compilePath(template)(values);

/** The same for many calls. */
export function compilePath(template: string): (values: readonly string[]) => string {
  const { segments, names } = placesIn(template);
  // An index of the values, or text that stands between them.
  const parts: (string | number)[] = [];
  let text = "";
  for (const [at, segment] of segments.entries()) {
    if (at > 0) text += "/";
    const name = placeholder.exec(segment)?.[1];
    if (name === undefined && segment !== WILDCARD) text += segment;
    else {
      parts.push(text, name === undefined ? -1 : names.indexOf(name));
      text = "";
    }
  }
  return parts.length === 0 ? () => text : (values) => filled(parts, values) + text;
}

function filled(parts: readonly (string | number)[], values: readonly string[]): string {
  let path = "";
  for (const part of parts) {
    const value = typeof part === "string" ? part : values.at(part);
    if (value === undefined) throw new TypeError("The destination has more parameters than the call has values.");
    path += value;
  }
  return path;
}

/** Where a call goes. Its query is kept unless the destination has one of its own. */
export function compileDestination(url: string, given: Given): (call: Called) => string {
  const fault = faultOfDestination(url, given);
  if (fault !== undefined) throw new TypeError(fault);
  const [, origin = "", path = "", own] = address.exec(url) ?? [];
  if (given.kind === "path") {
    const base = origin + (path.endsWith("/") ? path.slice(0, -1) : path);
    return ({ rest, query }) => base + rest + (own ?? query);
  }
  const pathOf = compilePath(path);
  return ({ values, query }) => origin + pathOf(values) + (own ?? query);
}

function placesIn(template: string): { segments: string[]; names: string[]; wildcard: boolean } {
  const segments = template.split("/");
  const names = segments.flatMap((segment) => placeholder.exec(segment)?.[1] ?? []);
  return { segments, names: [...new Set(names)], wildcard: segments.at(-1) === WILDCARD };
}
