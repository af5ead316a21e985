import type { Answer } from "../platform/http.ts";
import type { ErrorItem } from "../platform/errors.ts";
import type { LastError } from "./model.ts";
import { STALLED_TRIES, timeOf, type FlowRow } from "./store.ts";

/** What a flow's answer tells beside its document. */
export const stateOf = (row: Omit<FlowRow, "document">) => ({
  status: row.status,
  createdAt: timeOf(row.createdAt),
  updatedAt: timeOf(row.updatedAt),
  id: row.id,
  revision: row.revision,
  statusSeq: row.statusSeq,
  startedBy: row.startedBy,
  startedAt: row.startedAt === null ? null : timeOf(row.startedAt),
  lastError: row.lastError === null ? null : (JSON.parse(row.lastError) as LastError),
  stalled: row.status === "stopping" && row.tries >= STALLED_TRIES,
});

export const stateKeys = [
  "status",
  "createdAt",
  "updatedAt",
  "id",
  "revision",
  "statusSeq",
  "startedBy",
  "startedAt",
  "lastError",
  "stalled",
] as const satisfies (keyof ReturnType<typeof stateOf>)[];

/** A flow as JSON. The document is kept as JSON and goes out as it is, never parsed. */
export const flowText = (row: FlowRow): string => joined(row.document, JSON.stringify(stateOf(row)));

const joined = (first: string, second: string): string => `${first.slice(0, -1)},${second.slice(1)}`;

/** Changes whenever the flow is told differently: with the document, the status, or a command that is repeated. */
export const tagOf = (row: Pick<FlowRow, "revision" | "statusSeq" | "tries">): string =>
  `"${row.revision}-${row.statusSeq}${row.tries > 1 ? `-${row.tries}` : ""}"`;

export const flowAnswer = (row: FlowRow, status: 200 | 201 = 200, warnings: readonly ErrorItem[] = []): Answer => ({
  status,
  etag: tagOf(row),
  about: [row.id],
  body: `{"data":${flowText(row)},"meta":${metaText(warnings)}}`,
});

const metaText = (warnings: readonly ErrorItem[]): string =>
  warnings.length === 0 ? "{}" : JSON.stringify({ warnings });

export type Result = FlowRow | { readonly errors: readonly ErrorItem[] };

/** One entry per flow of a request about several, in its place. */
export const flowsAnswer = (
  results: readonly Result[],
  status: 200 | 201,
  warnings: readonly ErrorItem[] = [],
): Answer => ({
  status,
  about: results.flatMap((result) => ("id" in result ? [result.id] : [])),
  body: `{"data":[${results.map((result) => ("errors" in result ? JSON.stringify(result) : flowText(result))).join(",")}],"meta":${metaText(warnings)}}`,
});
