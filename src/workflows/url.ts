import { partsOf } from "../expressions/scan.ts";

/** Scheme and host, with what ends the host. */
const HOST = /^\s*[a-z][a-z0-9+.-]*:\/\/[^/\\?#]+[/\\?#]/i;

/**
 * Whether a result could change which host a url leads to. One whole expression makes the url itself, which is what its
 * author wants.
 */
export function isHostOpen(url: string): boolean {
  const parts = partsOf(url) ?? [];
  const [first] = parts;
  if (first === undefined || parts.every(({ kind }) => kind === "text")) return false;
  return first.kind === "text" ? !HOST.test(first.text) : parts.length > 1;
}
