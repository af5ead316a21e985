import { maskJson } from "../secrets/mask.ts";
import type { Line } from "./state.ts";

/** A line as it is written down. */
export interface KeptLine {
  readonly type: string;
  /** JSON. */
  readonly body: string;
}

const MOST_CHARACTERS = 64 * 1024;

/** The last part of a path names the value, wherever else it stands: in a payload, in what a command made of it. */
const lastOf = (path: string): string => path.split(".").at(-1)!;

/** A line without what the workflow marks, and without what is named like a secret; cut to a size that can be shown. */
export function keptLine({ type, ...rest }: Line, mask: readonly string[] = []): KeptLine {
  const marked = new Set(mask.map(lastOf));
  const body = maskJson(JSON.stringify(unmarked(rest, marked)), [], marked);
  return { type, body: body.length <= MOST_CHARACTERS ? body : JSON.stringify({ ...whole(rest), truncated: true }) };
}

const whole = ({ thread, place }: Omit<Line, "type">) => ({ thread, ...(place === undefined ? {} : { place }) });

/** Of an attribute that is marked the value stands beside its path. */
function unmarked(line: Omit<Line, "type">, marked: ReadonlySet<string>): Omit<Line, "type"> {
  const { data } = line;
  if (typeof data !== "object" || data === null || !("path" in data) || typeof data.path !== "string") return line;
  return marked.has(lastOf(data.path)) ? { ...line, data: { path: data.path, value: "[masked]" } } : line;
}
