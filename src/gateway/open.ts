import { comparable } from "../apis/match.ts";
import type { Api } from "../apis/model.ts";
import { inStorage, type Database } from "../db/client.ts";
import { documentOf, type FlowRow } from "../flows/store.ts";
import { hostnamesOf } from "./hostnames.ts";
import { faultOfReferences, homeOf } from "./references.ts";

export const apiOf = (row: Pick<FlowRow, "document">): Api | undefined =>
  (documentOf(row).api ?? undefined) as Api | undefined;

/** Milliseconds after which a base path may be taken from an API of others that is not active. */
const HELD_MS = 30 * 24 * 3600_000;

/** Whether a claim is held against others: its flow is live, or was so lately and belongs to others. */
const HELD = `flows.document ->> '$.api.basePath' = open_apis.base_path
  AND (status IN ('starting', 'active') OR (coalesce(flows.home, flows.id) <> ?5 AND flows.updated_at > ?6))`;

// A base path stays its owner's while the API is stopped for an edit: whoever took it then would get its callers. So
// would whoever stands at a longer path, or at a shorter one when it is stopped.
const CLAIM = `INSERT INTO open_apis (address, base_path, hostnames, flow_id) SELECT ?1, ?2, ?3, ?4
  WHERE NOT EXISTS (SELECT 1 FROM open_apis JOIN flows ON flows.id = open_apis.flow_id
    WHERE (address IN (SELECT value FROM json_each(?7)) OR (address > ?8 AND address < ?9))
      AND coalesce(flows.home, flows.id) <> ?5 AND ${HELD})
  ON CONFLICT (address) DO UPDATE SET base_path = ?2, hostnames = ?3, flow_id = ?4 WHERE flow_id = ?4 OR NOT EXISTS
    (SELECT 1 FROM flows WHERE flows.id = open_apis.flow_id AND ${HELD})
  RETURNING address`;

/** The paths that begin an address, and the bounds of those that it begins. */
function around(address: string): [above: string, low: string, high: string] {
  const segments = address.slice(1).split("/");
  const above = segments.slice(1).map((_, at) => `/${segments.slice(0, at + 1).join("/")}`);
  const begin = address === "/" ? "" : address;
  // 0 is what follows the slash.
  return [JSON.stringify(address === "/" ? [] : ["/", ...above]), `${begin}/`, `${begin}0`];
}

const GIVE_UP = "DELETE FROM open_apis WHERE flow_id = ?1 AND address <> ?2";

/** Statements that have a base path lead to a flow: the first returns a row if it does, the second is for after that. */
export function claimsOf(
  db: Database,
  row: FlowRow,
  api: Api,
  now: number,
): [claim: D1PreparedStatement, giveUp: D1PreparedStatement] {
  const address = comparable(api.basePath);
  const hostnames = JSON.stringify(api.hostnames ?? []);
  return [
    db.sql(CLAIM, address, api.basePath, hostnames, row.id, homeOf(row), now - HELD_MS, ...around(address)),
    db.sql(GIVE_UP, row.id, address),
  ];
}

export const takenSentence = ({ basePath }: Api): string =>
  `Another API stands at ${basePath}, or one of others above or below it. Choose another api.basePath.`;

/** What keeps an API from standing on the gateway, beyond what its document shows by itself. */
export async function faultOfOpening(db: Database, env: Env, row: FlowRow, api: Api): Promise<string | undefined> {
  const allowed = hostnamesOf(env);
  const foreign = (api.hostnames ?? []).find((name) => !allowed.get(name)?.(homeOf(row)));
  if (foreign !== undefined) {
    return `The host name ${foreign} does not lead here, or belongs to others. An operator adds it to the setting GATEWAY_HOSTNAMES.`;
  }
  return faultOfReferences(db, env, row, api);
}

/** Has the base path of an API lead to its flow. Answers why it cannot. */
export async function openApi(db: Database, env: Env, row: FlowRow, now: number): Promise<string | undefined> {
  const api = apiOf(row)!;
  const fault = await faultOfOpening(db, env, row, api);
  if (fault !== undefined) return fault;
  const [claim, giveUp] = claimsOf(db, row, api, now);
  const [claimed] = await inStorage(() => db.batch([claim]));
  if (claimed!.results.length === 0) return takenSentence(api);
  await inStorage(() => giveUp.run());
  return undefined;
}
