import { z } from "zod";

import { isSame } from "../flows/diff.ts";
import { finding, type Finding } from "../flows/findings.ts";
import { LastError } from "../flows/model.ts";
import { AppError } from "../platform/errors.ts";
import { isHexId } from "../platform/ids.ts";
import { plainOf, timeIn } from "./extended-json.ts";

/** What a line came to: something that can be stored, or why not. */
export type Read<T> =
  | { readonly ok: true; readonly stored: T }
  | { readonly ok: false; readonly id: string | undefined; readonly findings: readonly Finding[] };

/** What every stored document has beside what its author wrote. */
export interface Head {
  readonly id: string;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly revisedAt: number;
  readonly revision: number;
  readonly revisionNote: string;
}

/** What was imported without a word of its own. */
export const IMPORTED = "Imported.";

/** Whether a line is a document of MongoDB. Lines of the own exports and answers have `id`, and mean what they say. */
export const isOriginal = (line: Record<string, unknown>): boolean => line["_id"] !== undefined;

/** A line as plain JSON, without what no export of one's own has. */
export function plainLine(line: Record<string, unknown>): Record<string, unknown> {
  if (!isOriginal(line)) return line;
  const { instance: _, ...plain } = plainOf(line) as Record<string, unknown>;
  return Object.fromEntries(Object.entries(plain).filter(([key]) => !ownKeys.has(key)));
}

const Own = z
  .object({
    revision: z.int().min(1).max(1_000_000_000),
    revisionNote: z.string().max(500),
    statusSeq: z.int().min(0).max(1_000_000_000_000),
    startId: z.string().min(1).max(200).nullable(),
    startedBy: z.string().min(1).max(1000).nullable(),
    startedIn: z.string().min(1).max(1000).nullable(),
    lastError: LastError.nullable(),
  })
  .partial();
export type Own = z.infer<typeof Own>;
const ownTimes = ["startedAt", "revisedAt"] as const;
const ownKeys = new Set([...Object.keys(Own.shape), ...ownTimes, "revisions", "revisionsOf"]);

export interface Told {
  readonly id: string | undefined;
  readonly own: Own;
  readonly startedAt: number | null | undefined;
  readonly head: Head | undefined;
  readonly findings: readonly Finding[];
}

/** Reads what stands beside the document in a plain line. */
export function headIn(line: Record<string, unknown>): Told {
  const key = isOriginal(line) ? "_id" : "id";
  const sent = line[key];
  const id = typeof sent === "string" && isHexId(sent) ? sent.toLowerCase() : undefined;
  const own = Own.safeParse(line);
  const faults: Finding[] = [
    ...(id === undefined ? [finding("ID_INVALID", [key], "An id has 24 hexadecimal digits.")] : []),
    ...(own.success ? [] : own.error.issues.map(faultOfIssue)),
  ];
  const time = (name: string): number | undefined => {
    const value = line[name];
    if (value === undefined || value === null) return undefined;
    const found = timeIn(value);
    if (found !== undefined && found >= 0 && found < LATEST) return found;
    faults.push(finding("TIME_INVALID", [name], `${name} is no time that can be kept.`, "Use ISO 8601, or $date."));
    return undefined;
  };
  // An ObjectId begins with the second in which it was made.
  const createdAt = time("createdAt") ?? Number.parseInt((id ?? "0").slice(0, 8), 16) * 1000;
  const updatedAt = time("updatedAt") ?? createdAt;
  const revisedAt = time("revisedAt") ?? updatedAt;
  const startedAt = line["startedAt"] === null ? null : time("startedAt");
  if (id === undefined || !own.success || faults.length > 0) {
    return { id, own: {}, startedAt, head: undefined, findings: faults };
  }
  const { revision = 1, revisionNote = IMPORTED } = own.data;
  const head = { id, createdAt, updatedAt, revisedAt, revision, revisionNote };
  return { id, own: own.data, startedAt, head, findings: [] };
}

/** Far enough from where a place in the order of creation is no exact number any more. */
const LATEST = Date.UTC(2200, 0, 1);

const faultOfIssue = ({ path, message }: z.core.$ZodIssue): Finding =>
  finding("WRONG_TYPE", path, `${String(path.at(-1))} does not have the form of an export.`, message);

/** Where a line of an export says the same as the text, its own order of keys stays, so that it is exported as it came. */
export function textAsSent(line: Record<string, unknown>, text: string, keys: object): string {
  if (isOriginal(line)) return text;
  const sent = Object.fromEntries(Object.entries(line).filter(([key]) => Object.hasOwn(keys, key)));
  return isSame(sent, JSON.parse(text)) ? JSON.stringify(sent) : text;
}

/** Findings of a form that may throw what it has against a document. */
export function unlessRefused<T>(made: () => T): T | readonly Finding[] {
  try {
    return made();
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return error.items.map(({ message, error: code, detail }) => finding(code, [], message, detail));
  }
}
