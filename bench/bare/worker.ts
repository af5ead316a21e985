/**
 * What the product's requests cost without framework, validation and identity: the same statements in the same round
 * trips, the same Durable Object storage and queue, the same answer. Owners come in a header, and nothing is checked.
 */
import { DurableObject } from "cloudflare:workers";

import { searchTextOf } from "../../src/flows/search-text.ts";
import type { FlowDocument } from "../../src/flows/model.ts";
import * as sql from "./sql.ts";

interface BareEnv {
  DB: D1Database;
  OBJECT: DurableObjectNamespace<BareObject>;
  FLOW_COMMANDS: Queue;
  FLOW_NOTICES: Queue;
}

const PATIENCE_MS = 3_600_000;
const GRACE_MS = 5000;

const time = (at: number): string => new Date(at).toISOString();

const stateOf = (row: sql.Row): object => ({
  status: row.status,
  createdAt: time(row.createdAt),
  updatedAt: time(row.updatedAt),
  id: row.id,
  revision: row.revision,
  statusSeq: row.statusSeq,
  startedBy: row.startedBy,
  startedAt: row.startedAt === null ? null : time(row.startedAt),
  lastError: row.lastError === null ? null : (JSON.parse(row.lastError) as object),
  stalled: row.status === "stopping" && row.tries >= 3,
});

/** The document goes out as the text that it is kept as. */
const textOf = (row: sql.Row): string => `${row.document.slice(0, -1)},${JSON.stringify(stateOf(row)).slice(1)}`;

const json = (text: string, status = 200): Response =>
  new Response(text, { status, headers: { "content-type": "application/json" } });

export default {
  async fetch(request, env, ctx): Promise<Response> {
    const [user, tenant] = request.headers.get("x-owners")!.split(",") as [string, string];
    const [id, verb] = new URL(request.url).pathname.slice("/flows/".length).split("/");
    const owners = { user, tenant };
    if (verb === "start") return start(env, id!, owners);
    if (request.method === "POST") return create(request, env, ctx, owners);
    return id ? get(env, id, owners) : list(env, owners);
  },
} satisfies ExportedHandler<BareEnv>;

interface Owners {
  user: string;
  tenant: string;
}

async function find(db: D1Database, id: string, owners: Owners): Promise<sql.Row | undefined> {
  return (await sql.find[0]!(db, { id, ...owners }).all<sql.Row>()).results[0];
}

async function get(env: BareEnv, id: string, owners: Owners): Promise<Response> {
  const row = await find(env.DB, id, owners);
  return row === undefined ? json("{}", 404) : json(`{"data":${textOf(row)},"meta":{}}`);
}

async function list(env: BareEnv, owners: Owners): Promise<Response> {
  const perPage = 10;
  const [counted, found] = await env.DB.batch(sql.page.map((statement) => statement(env.DB, owners)));
  const { total } = counted!.results[0] as { total: number };
  const rows = (found!.results as sql.Row[]).slice(0, perPage);
  const meta = { total, page: 1, perPage, totalPages: Math.ceil(total / perPage) };
  return json(`{"data":[${rows.map(textOf).join(",")}],"meta":${JSON.stringify(meta)}}`);
}

async function create(request: Request, env: BareEnv, ctx: ExecutionContext, owners: Owners): Promise<Response> {
  const { user, tenant } = owners;
  const input = await request.json<object>();
  const now = Date.now();
  const id = idAt(now);
  const document = {
    ...input,
    owners: [
      { id: user, type: "user" },
      { id: tenant, type: "tenant" },
    ],
  } as FlowDocument;
  const text = JSON.stringify(document);
  const searchText = searchTextOf(document, tenant);
  const message = JSON.stringify({
    headers: { name: "flowrepo.flow.created", createdAt: now },
    payload: { flowId: id },
  });
  const values = { id, ...owners, document: text, searchText, message, now, place: now * 1024 };
  await env.DB.batch(sql.create.map((statement) => statement(env.DB, values)));
  ctx.waitUntil(env.OBJECT.getByName(id).relay(id));
  const state = { status: "inactive", createdAt: time(now), updatedAt: time(now), id, revision: 1, statusSeq: 0 };
  const rest = { ...state, startedBy: null, startedAt: null, lastError: null, stalled: false };
  return json(`{"data":${text.slice(0, -1)},${JSON.stringify(rest).slice(1)},"meta":{}}`, 201);
}

function idAt(now: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  new DataView(bytes.buffer).setUint32(0, Math.floor(now / 1000));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function start(env: BareEnv, id: string, owners: Owners): Promise<Response> {
  const status = await env.OBJECT.getByName(id).begin(id, owners);
  return json(JSON.stringify({ data: { id, status }, meta: {} }), status === null ? 404 : 200);
}

export class BareObject extends DurableObject<BareEnv> {
  async begin(id: string, owners: Owners): Promise<string | null> {
    const db = this.env.DB;
    const row = await find(db, id, owners);
    if (row === undefined) return null;
    const now = Date.now();
    const startId = crypto.randomUUID();
    const flow = { ...(JSON.parse(row.document) as object), id, status: "starting" };
    const message = JSON.stringify({ headers: { name: "flow.starting", createdAt: now, startId }, payload: flow });
    const { status, statusSeq, tries, revision } = row;
    const after = { nextSeq: statusSeq + 1, startId, now, deadlineAt: now + PATIENCE_MS, message };
    await this.#setAlarm(id, now + GRACE_MS);
    const values = { id, ...owners, status, statusSeq, tries, revision, ...after };
    await db.batch(sql.begin.map((statement) => statement(db, values)));
    this.ctx.waitUntil(this.relay(id));
    return "starting";
  }

  async relay(id: string): Promise<void> {
    const db = this.env.DB;
    const [messages, flows] = await db.batch(sql.duties.map((statement) => statement(db, { id })));
    for (const { seq, queue, body } of messages!.results as { seq: number; queue: string; body: string }[]) {
      await (queue === "commands" ? this.env.FLOW_COMMANDS : this.env.FLOW_NOTICES).send(JSON.parse(body));
      await sql.forget[0]!(db, { id, messageSeq: seq }).run();
    }
    const deadlineAt = (flows!.results[0] as { deadline_at: number | null } | undefined)?.deadline_at ?? null;
    if (deadlineAt === null) await this.ctx.storage.deleteAll();
    else await this.#setAlarm(id, deadlineAt);
  }

  override async alarm(): Promise<void> {
    const id = await this.ctx.storage.get<string>("flowId");
    if (id !== undefined) await this.relay(id);
  }

  async #setAlarm(id: string, at: number): Promise<void> {
    const named = this.ctx.storage.put("flowId", id);
    await Promise.all([named, this.ctx.storage.setAlarm(at)]);
  }
}
