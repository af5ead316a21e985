import { inStorage, type Database } from "../db/client.ts";
import { homeOf } from "../flows/owners.ts";
import { searchTextOf } from "../flows/search-text.ts";
import { documentOf, findFlows, groupsOf, type FlowRow } from "../flows/store.ts";
import { portionsOf } from "../flows/write.ts";
import type { Context } from "../identity/context.ts";
import { AppError } from "../platform/errors.ts";
import { sendInput } from "./send-input.ts";

/** Flows that one step handles; a step must fit into one invocation. */
export const STEP = 50;
/** Earlier revisions that one step makes anonymous, and flows through which it goes for the present ones. */
const AUTHORS = 2000;
const STRETCH = 20_000;

interface By {
  readonly db: Database;
  readonly objects: Context["objects"];
  readonly now: () => number;
}

interface Owned {
  readonly id: string;
  readonly status: FlowRow["status"];
  readonly others: number;
}

const OWNED = `SELECT id, status, (SELECT count(*) FROM json_each(flows.document, '$.owners') WHERE value ->> '$.id' <> ?1) AS others
  FROM (SELECT pos FROM flows WHERE home = ?1 UNION ALL SELECT pos FROM flow_shares WHERE owner_id = ?1 LIMIT ?2) AS owned
  CROSS JOIN flows ON flows.pos = owned.pos`;

/**
 * Takes an account or tenant that was deleted off its flows, and its name off the revisions that it made, one bounded step at a time; flows
 * that nobody owns then are stopped first, so that an interruption never leaves one running unseen. Answers from where
 * the next step goes on, if there is one.
 */
export async function removeOwnerStep(
  by: By,
  ownerId: string,
  from = 0,
): Promise<{ next: number | undefined; removed: number; stopped: number }> {
  const { results: owned } = await inStorage(() => by.db.sql(OWNED, ownerId, STEP).all<Owned>());
  const orphans = owned.filter((flow) => flow.others === 0 && flow.status !== "inactive");
  for (const { id } of orphans) await stopOrphan(by.objects, id);
  const ids = owned.map((flow) => flow.id);
  const released = ids.length === 0 ? 0 : await release(by, ids, ownerId);
  const owns = owned.length === STEP || released < ids.length;
  const next = owns ? from : await forgetAuthor(by.db, ownerId, from);
  return { next, removed: released, stopped: orphans.length };
}

async function stopOrphan(objects: Context["objects"], flowId: string): Promise<void> {
  const outcome = await sendInput(objects, { flowId, trigger: "stop", reach: null });
  if (!outcome.ok && outcome.error !== "FLOW_NOT_FOUND") throw new AppError(outcome.error);
}

const RELEASE = `UPDATE flows INDEXED BY flows_id_unique SET home = value ->> '$.home', document = json_set(flows.document, '$.owners', json(value ->> '$.owners')), search_text = value ->> '$.searchText',
    revision = flows.revision + 1, revised_at = CAST(?2 AS INTEGER), revised_by = NULL, revision_note = value ->> '$.note',
    updated_at = max(flows.updated_at, CAST(?2 AS INTEGER))
  FROM json_each(?1) WHERE flows.id = value ->> '$.id' AND flows.revision = value ->> '$.revision'
    AND (flows.status IN ('inactive', 'stopping') OR value ->> '$.owners' <> '[]') RETURNING flows.id`;

/** Takes the owner off, but not off a flow that nobody would own while it runs: one may have been started meanwhile. */
async function release(by: By, ids: readonly string[], ownerId: string): Promise<number> {
  let released = 0;
  for (const group of await groupsOf(by.db, ids, null)) {
    const rows = await findFlows(by.db, group, null);
    const portions = portionsOf([...rows.values()].flatMap((row) => withoutOwner(row, ownerId)));
    const updates = portions.map((portion) => by.db.sql(RELEASE, JSON.stringify(portion), by.now()));
    if (updates.length === 0) continue;
    const done = await inStorage(() => by.db.batch(updates));
    released += done.reduce((sum, { results }) => sum + results.length, 0);
  }
  return released;
}

function withoutOwner(row: FlowRow, ownerId: string) {
  const before = documentOf(row);
  const document = { ...before, owners: before.owners.filter((owner) => owner.id !== ownerId) };
  // Another step has been here.
  if (document.owners.length === before.owners.length) return [];
  const home = homeOf(document.owners);
  const released = {
    id: row.id,
    revision: row.revision,
    owners: JSON.stringify(document.owners),
    home,
    searchText: searchTextOf(document, home),
    note: "An owner was deleted.",
  };
  return [released];
}

const END = "SELECT max(pos) AS end FROM (SELECT pos FROM flows WHERE pos > ?1 ORDER BY pos LIMIT ?2)";
const FORGET_PRESENT = "UPDATE flows SET revised_by = NULL WHERE pos > ?1 AND pos <= ?2 AND revised_by = ?3";
const FORGET_EARLIER = `UPDATE revisions SET revised_by = NULL
  WHERE rowid IN (SELECT rowid FROM revisions WHERE revised_by = ?1 LIMIT ?2) RETURNING 1`;

/**
 * Makes revisions of the account anonymous: the earlier ones by their index, the present ones of a stretch of flows, so
 * that no creation pays for an index. Answers where the next stretch begins; undefined if nothing is left.
 */
async function forgetAuthor(db: Database, account: string, from: number): Promise<number | undefined> {
  const { results } = await inStorage(() => db.sql(END, from, STRETCH).all<{ end: number | null }>());
  const end = results[0]?.end ?? null;
  const earlier = db.sql(FORGET_EARLIER, account, AUTHORS);
  const present = end === null ? [] : [db.sql(FORGET_PRESENT, from, end, account)];
  const [forgotten] = await inStorage(() => db.batch([earlier, ...present]));
  if (end !== null) return end;
  return forgotten!.results.length === AUTHORS ? from : undefined;
}
