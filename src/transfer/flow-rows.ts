import { inStorage, type Database } from "../db/client.ts";
import { isSame } from "../flows/diff.ts";
import type { FlowStatus } from "../flows/model.ts";
import { bytesOf } from "../messages/model.ts";
import { freePlaces, Places, type FreePlace } from "./places.ts";
import { sourcesOf } from "./sources.ts";
import type { StoredFlow } from "./stored-flow.ts";
import type { Present } from "./verdict.ts";

/** What of a flow that is here decides about a line of the same id. */
export interface PresentFlow extends Present {
  readonly revision: number;
  readonly status: FlowStatus;
  readonly statusSeq: number;
  readonly startId: string | null;
}

// Only a document of the same length can be the same; no other is fetched.
const PRESENT = `SELECT flows.id AS id, flows.revision AS revision, flows.status AS status, flows.status_seq AS "statusSeq",
    flows.start_id AS "startId", flows.updated_at AS "updatedAt",
    CASE WHEN octet_length(flows.document) = value ->> '$.bytes' THEN flows.document END AS document
  FROM json_each(?1) CROSS JOIN flows INDEXED BY flows_id_unique ON flows.id = value ->> '$.id'`;

interface PresentRow extends Omit<PresentFlow, "isSameDocument"> {
  readonly id: string;
  readonly document: string | null;
}

/** What is here of some flows, and where new ones can stand. */
export async function presentFlows(
  db: Database,
  flows: readonly StoredFlow[],
): Promise<{ present: Map<string, PresentFlow>; places: Places }> {
  const asked = JSON.stringify(flows.map(({ id, kept }) => ({ id, bytes: bytesOf(kept) })));
  const times = flows.map(({ createdAt }) => createdAt);
  const [rows, free] = await inStorage(() => db.batch([db.sql(PRESENT, asked), freePlaces(db, times)]));
  const byId = new Map(flows.map((flow) => [flow.id, flow]));
  const present = (rows!.results as PresentRow[]).map(({ document, ...row }): [string, PresentFlow] => {
    const isSameDocument = document !== null && isSameText(document, byId.get(row.id)!.kept);
    return [row.id, { ...row, isSameDocument }];
  });
  return { present: new Map(present), places: new Places(free!.results as FreePlace[]) };
}

/** Whether two texts are the same JSON. */
export const isSameText = (left: string, right: string): boolean =>
  left === right || isSame(JSON.parse(left), JSON.parse(right));

/** Gives each flow a place, in this order; asks again where a millisecond is full. */
export async function placed(
  db: Database,
  flows: readonly StoredFlow[],
  places: Places,
): Promise<(StoredFlow & { pos: number })[]> {
  const found: (StoredFlow & { pos: number })[] = [];
  for (const flow of flows) {
    let place = places.at(flow.createdAt);
    for (let time = flow.createdAt; "ask" in place; place = places.at(time)) {
      time = place.ask;
      const free = await inStorage(() => freePlaces(db, [time]).all<FreePlace>());
      places.learn([{ ...free.results[0]!, asked: time }]);
      places.learn([{ ...free.results[0]!, asked: flow.createdAt }]);
    }
    found.push({ ...flow, pos: place.pos });
  }
  return found;
}

const columns = [
  ["id", "id"],
  ["home", "home"],
  ["revised_at", "revisedAt"],
  ["revised_by", "revisedBy"],
  ["revision_note", "revisionNote"],
  ["updated_at", "updatedAt"],
  ["status", "status"],
  ["status_seq", "statusSeq"],
  ["start_id", "startId"],
  ["started_by", "startedBy"],
  ["started_in", "startedIn"],
  ["started_at", "startedAt"],
  ["last_error", "lastError"],
  ["deadline_at", "deadlineAt"],
  ["tries", "tries"],
  ["revision", "revision"],
  ["search_text", "searchText"],
  ["document", "kept"],
] as const;
const onlyNew = [
  ["pos", "pos"],
  ["created_at", "createdAt"],
] as const;
const long = ["searchText", "kept"] as const;

const INSERTED = [...onlyNew, ...columns];
const INSERT = `INSERT INTO flows (${INSERTED.map(([column]) => column).join(", ")}) SELECT ${INSERTED.map(([, key]) => `line."${key}"`).join(", ")} FROM`;

/** Statements that store new flows. They fail if an id or a place is taken by now. */
export const insertions = (db: Database, flows: readonly (StoredFlow & { pos: number })[]): D1PreparedStatement[] =>
  sourcesOf(
    flows,
    INSERTED.map(([, key]) => key),
    long,
  ).map(({ text, parameters }) => db.sql(`${INSERT} ${text}`, ...parameters));

/** A flow, and what is here in its place. */
export interface Replacing extends StoredFlow {
  readonly before: number;
}

const UPDATE = `UPDATE flows INDEXED BY flows_id_unique SET ${columns
  .filter(([column]) => column !== "id")
  .map(([column, key]) => `${column} = line."${key}"`)
  .join(", ")} FROM`;
// A command of a flow that waits may be on its way, and would go out with a document that is not its own.
const UNMOVED = `WHERE flows.id = line.id AND flows.revision = line.before AND flows.status_seq = line."statusSeq"
  AND flows.status IN ('inactive', 'active') RETURNING flows.id AS id`;
const TRIM = `DELETE FROM revisions WHERE (flow_id, revision) IN
  (SELECT r.flow_id, r.revision FROM json_each(?1) CROSS JOIN revisions AS r ON r.flow_id = value ->> '$.id' AND r.revision < (value ->> '$.revision') - ?2)`;

/** Statements that write over flows which nobody changed meanwhile; they return the ids of those written. */
export function replacements(db: Database, flows: readonly Replacing[], kept: number): D1PreparedStatement[] {
  if (flows.length === 0) return [];
  const updates = sourcesOf(flows, ["before", ...columns.map(([, key]) => key)], long).map(({ text, parameters }) =>
    db.sql(`${UPDATE} ${text} ${UNMOVED}`, ...parameters),
  );
  const written = JSON.stringify(flows.map(({ id, revision }) => ({ id, revision })));
  return [...updates, db.sql(TRIM, written, kept)];
}

export interface Command {
  readonly id: string;
  readonly startId: string | null;
  readonly revision: number;
  readonly updatedAt: number;
  readonly at: number;
  readonly queue: string;
  readonly message: string;
}

// Only for a flow that was written as the command says.
const TELL = (source: string): string => `INSERT INTO outbox (flow_id, seq, queue, body, created_at)
  SELECT line.id, max(line.at, (SELECT coalesce(max(seq), 0) + 1 FROM outbox WHERE flow_id = line.id)), line.queue, line.message, line.at
  FROM ${source} WHERE EXISTS (SELECT 1 FROM flows WHERE flows.id = line.id AND flows.status = 'active'
    AND flows.start_id = line."startId" AND flows.revision = line.revision AND flows.updated_at = line."updatedAt")`;

/** Statements for commands about flows that were written before them in the same batch. */
export const tellings = (db: Database, commands: readonly Command[]): D1PreparedStatement[] =>
  sourcesOf(commands, ["id", "startId", "revision", "updatedAt", "at", "queue", "message"], ["message"]).map(
    ({ text, parameters }) => db.sql(TELL(text), ...parameters),
  );
