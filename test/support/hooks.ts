import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";

import type { Caller } from "./api.ts";
import { activeFlow, line } from "./runs.ts";
import { wire, type Wired } from "./wire.ts";

/** An active flow of one step, which takes what comes to its hook. */
export const hookFlowOf = (caller: Caller, webhooks?: unknown, fields: object = {}): Promise<string> =>
  activeFlow(
    caller,
    line({ id: "receive", componentId: "webhook", fields }),
    webhooks === undefined ? {} : { flowSettings: { webhooks } },
  );

export const asJson = { "content-type": "application/json" };

export const postJson = (flowId: string, body: unknown, more: Wired = {}): Promise<Response> =>
  wire("POST", `/hook/${flowId}`, { ...more, body: JSON.stringify(body), headers: { ...asJson, ...more.headers } });

interface Receipt {
  readonly requestId: string;
  readonly runId: string;
  readonly message: string;
  readonly status?: string;
}

/** What a hook said that it began. */
export async function receiptOf(answer: Response): Promise<Receipt> {
  const text = await answer.text();
  if (answer.status !== 200 && answer.status !== 202) throw new Error(`The hook answered ${answer.status}: ${text}`);
  return (JSON.parse(text) as { data: Receipt }).data;
}

/** The message with which a run began, as it is stored. */
export const firstMessage = (run: string): Promise<Record<string, unknown>> =>
  runInDurableObject(env.RUN.getByName(run), (_, { storage }) => {
    const { body } = storage.sql.exec<{ body: string }>("SELECT body FROM messages ORDER BY id LIMIT 1").one();
    return JSON.parse(body) as Record<string, unknown>;
  });

/** The message that a request to a hook made. */
export const messageOf = async (answer: Response) => firstMessage((await receiptOf(answer)).runId);

/** The runs of a flow, as the list has them. */
export async function runsOf(flowId: string) {
  const found = await env.DB.prepare("SELECT id, status, trigger FROM runs WHERE flow_id = ? ORDER BY id")
    .bind(flowId)
    .all<{ id: string; status: string; trigger: string }>();
  return found.results;
}
