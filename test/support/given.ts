import { env } from "cloudflare:workers";

import { exampleFlow as example } from "../../src/flows/example.ts";
import { newObjectId } from "../../src/platform/ids.ts";
import { as, type Caller } from "./api.ts";

export const everyPermission = [
  "flows.read",
  "flows.write",
  "flows.control",
  "flows.bulk",
  "secrets.secret.read",
  "secrets.secret.write",
  "templates.read",
  "templates.write",
  "apps.read",
  "apps.write",
  "plans.read",
  "plans.write",
  "executions.start",
  "executions.read",
  "executions.control",
  "bridge",
];

/** A 24-hex id that nobody else has. */
export const newId = (): string => newObjectId(Date.now());

/** Somebody of a tenant of their own, with every permission but `all`. */
export const someone = (
  changed: { sub?: string; tenant?: string; permissions?: readonly string[] } = {},
): Promise<Caller> => as({ sub: newId(), tenant: newId(), permissions: everyPermission, ...changed });

/** Somebody without a tenant. */
export const loner = (permissions: readonly string[] = everyPermission): Promise<Caller> =>
  as({ sub: newId(), permissions });

export const admin = (): Promise<Caller> => as({ sub: newId(), permissions: ["all"] });

/** Seed 000's example, anew for each test. */
export const exampleFlow = () => structuredClone(example);

/** A flow that passes the strict checks too. */
export const strictFlow = () => ({
  name: "WiceToSnazzy",
  graph: { nodes: [{ id: "n1", componentId: "5ca5c44c187c040010a9bb8b", function: "f" }], edges: [] },
  type: "ordinary",
});

export interface StoredState {
  readonly status?: "inactive" | "starting" | "active" | "stopping";
  readonly start_id?: string | null;
  readonly deadline_at?: number | null;
  readonly tries?: number;
}

/** Stores a flow of the caller and, if asked, brings it into a state. */
export async function flowOf(
  caller: Caller,
  changed: Record<string, unknown> = {},
  state: StoredState = {},
): Promise<string> {
  const answer = await caller.call("addFlow", { body: { ...exampleFlow(), ...changed } });
  if (answer.status !== 201) throw new Error(`The flow was refused: ${JSON.stringify(answer.body)}`);
  const id = (answer.body as { data: { id: string } }).data.id;
  await settle(id);
  await bringTo(id, state);
  return id;
}

/** Writes columns of a flow's row past the lifecycle. */
export async function bringTo(id: string, state: StoredState): Promise<void> {
  for (const [column, value] of Object.entries(state)) {
    await env.DB.prepare(`UPDATE flows SET ${column} = ? WHERE id = ?`).bind(value, id).run();
  }
}

/**
 * Writes when a flow was stored and changed, past the API, and moves it to the end of that millisecond in the order of
 * storing, with all that goes by its place.
 */
export async function setTimes(id: string, created: number, updated: number): Promise<void> {
  const place = `(SELECT coalesce(max(pos) + 1, ?2) FROM flows WHERE pos >= ?2 AND pos < ?2 + 1024)`;
  const before = "(SELECT pos FROM flows WHERE id = ?1)";
  const texts: [string, ...unknown[]][] = [
    [`DELETE FROM flow_search WHERE rowid = ${before}`, id],
    [`UPDATE flow_shares SET pos = ${place} WHERE pos = ${before}`, id, created * 1024],
    [
      `UPDATE flows SET pos = ${place}, created_at = ?3, updated_at = ?4 WHERE id = ?1`,
      id,
      created * 1024,
      created,
      updated,
    ],
    [`INSERT INTO flow_search (rowid, text) SELECT pos, search_text FROM flows WHERE id = ?1`, id],
  ];
  await env.DB.batch(texts.map(([text, ...values]) => env.DB.prepare(text).bind(...values)));
}

/** Lets the flow's object hand over all that waits in the outbox. */
export const settle = (id: string): Promise<void> => env.FLOW_OBJECT.getByName(id).relay(id);

export interface Row {
  readonly status: string;
  readonly status_seq: number;
  readonly revision: number;
  readonly start_id: string | null;
  readonly tries: number;
  readonly deadline_at: number | null;
  readonly last_error: string | null;
  readonly document: string;
}

/** The row of a flow as it stands in the database. */
export const rowOf = (id: string): Promise<Row | null> =>
  env.DB.prepare("SELECT * FROM flows WHERE id = ?").bind(id).first<Row>();

/** The messages of a flow that no queue has taken yet. */
export async function outboxOf(id: string): Promise<{ queue: string; body: string }[]> {
  const found = await env.DB.prepare("SELECT queue, body FROM outbox WHERE flow_id = ? ORDER BY seq")
    .bind(id)
    .all<{ queue: string; body: string }>();
  return found.results;
}

/** Who owns what, as the tables of the database have it. */
export const OWNERSHIP =
  "(SELECT home AS owner_id, id AS flow_id FROM flows WHERE home IS NOT NULL UNION ALL SELECT owner_id, flows.id FROM flow_shares JOIN flows USING (pos))";
