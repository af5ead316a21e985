/**
 * What a run's steps cost in plain code, in three forms: `/bare` keeps nothing, `/durable` keeps a row per step in an
 * object of its own, `/listed` besides looks the flow up in D1 and enters beginning and end of the run there.
 */
import { DurableObject } from "cloudflare:workers";

import { stepsOf, type Message, type Order } from "./runs-steps.ts";

interface BareEnv {
  DB: D1Database;
  RUN: DurableObjectNamespace<BareRun>;
  TARGET: string;
}

type Status = "completed" | "filtered";

const FIND = "SELECT id, document, status FROM flows WHERE id = ?";
const ENTER = `INSERT INTO runs (flow_id, status, id, trigger, revision, request_id, started_at)
  VALUES (?, 'running', ?, 'webhook', 1, ?, ?)`;
const LEAVE = "UPDATE runs SET status = ?, ended_at = ? WHERE flow_id = ? AND status = 'running' AND id = ?";

const answer = (status: Status): Response => Response.json({ data: { message: "thank you", status } });

export default {
  async fetch(request, env): Promise<Response> {
    const [, form, flow, flowId] = new URL(request.url).pathname.split("/") as [string, string, string, string];
    const order = await request.json<Order>();
    if (form === "bare") return answer(await go(flow, order, env.TARGET));
    if (form === "listed") await env.DB.prepare(FIND).bind(flowId).all();
    const id = crypto.randomUUID();
    // The list of runs tells these from the product's own.
    const listedUnder = form === "listed" ? `listed-${flowId}` : undefined;
    return answer(await env.RUN.getByName(id).run(id, flow, order, listedUnder));
  },
} satisfies ExportedHandler<BareEnv>;

async function go(flow: string, order: Order, target: string): Promise<Status> {
  let message: Message = { data: order };
  for (const step of stepsOf(flow, target, crypto.randomUUID())) {
    const next = await step.work(message);
    if (next === undefined) return "filtered";
    message = next;
  }
  return "completed";
}

export class BareRun extends DurableObject<BareEnv> {
  async run(id: string, flow: string, order: Order, listedUnder: string | undefined): Promise<Status> {
    const { sql } = this.ctx.storage;
    sql.exec("CREATE TABLE run (id TEXT, flow TEXT, status TEXT, started_at INTEGER, ended_at INTEGER)");
    sql.exec("CREATE TABLE steps (id INTEGER PRIMARY KEY, step TEXT, state TEXT, at INTEGER, body TEXT)");
    sql.exec("INSERT INTO run VALUES (?, ?, 'running', ?, NULL)", id, flow, Date.now());
    const db = this.env.DB;
    const entered = listedUnder && db.prepare(ENTER).bind(listedUnder, id, id, Date.now()).run();
    const status = await this.#go(id, flow, order);
    const endedAt = Date.now();
    sql.exec("UPDATE run SET status = ?, ended_at = ?", status, endedAt);
    if (entered) {
      const leave = db.prepare(LEAVE).bind(status, endedAt, listedUnder, id);
      this.ctx.waitUntil(entered.then(() => leave.run()));
    }
    return status;
  }

  async #go(id: string, flow: string, order: Order): Promise<Status> {
    let message: Message = { data: order };
    for (const { name, work } of stepsOf(flow, this.env.TARGET, id)) {
      const next = await work(message);
      const body = JSON.stringify(next ?? message);
      const state = next === undefined ? "filtered" : "done";
      this.ctx.storage.sql.exec(
        "INSERT INTO steps (step, state, at, body) VALUES (?, ?, ?, ?)",
        name,
        state,
        Date.now(),
        body,
      );
      if (next === undefined) return "filtered";
      message = next;
    }
    return "completed";
  }
}
