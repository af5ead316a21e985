import type { Database } from "../db/client.ts";
import { apiOf, claimsOf, faultOfOpening } from "../gateway/open.ts";
import type { FlowRow } from "../flows/store.ts";
import type { StoredFlow } from "./stored-flow.ts";

// A start tells gateways of an API by the move to active, behind the claim; what arrives as active never moves.
const TELL = `INSERT INTO gateway_changes ("of", id, at) SELECT 'api', ?1, unixepoch()
  WHERE EXISTS (SELECT 1 FROM open_apis WHERE flow_id = ?1)`;

/**
 * Statements that have the base paths of active APIs lead to them, and tell the gateways. Those that could not be opened
 * get no path; that they cannot is reported by the command that goes out for each.
 */
export async function claimsOfApis(
  db: Database,
  env: Env,
  flows: readonly StoredFlow[],
  now: number,
): Promise<D1PreparedStatement[]> {
  const statements: D1PreparedStatement[] = [];
  for (const flow of flows) {
    if (flow.kind !== "api" || flow.status !== "active") continue;
    const row = flow as unknown as FlowRow;
    const api = apiOf(row)!;
    if ((await faultOfOpening(db, env, row, api)) !== undefined) continue;
    const [claim] = claimsOf(db, row, api, now);
    statements.push(claim, db.sql(TELL, flow.id));
  }
  return statements;
}
