import type { Database } from "../db/client.ts";

const IDS = "(SELECT value FROM json_each(?1))";
// What still goes on stays: the message that a deletion leaves finds in these lists what it has to end.
const FORGET = [
  `DELETE FROM runs WHERE flow_id IN ${IDS} AND status <> 'running'`,
  `DELETE FROM executions WHERE flow_id IN ${IDS} AND status <> 'running'`,
  `DELETE FROM gateway_traces WHERE flow_id IN ${IDS}`,
  `DELETE FROM snapshots WHERE flow_id IN ${IDS}`,
];

/** Statements that forget what deleted flows left under ids that are given anew, maybe to other owners. */
export function forgettings(db: Database, ids: readonly string[]): D1PreparedStatement[] {
  if (ids.length === 0) return [];
  const list = JSON.stringify(ids);
  return FORGET.map((text) => db.sql(text, list));
}
