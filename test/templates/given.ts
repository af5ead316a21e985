import { env } from "cloudflare:workers";

import type { Caller } from "../support/api.ts";
import { newId, settle } from "../support/given.ts";

export const COMPONENT = "5ca5c44c187c040010a9bb8b";

/** Two steps, one of which uses a secret of each instance. */
export const orders = (changed: Record<string, unknown> = {}) => ({
  name: "Orders to the CRM",
  description: "Pushes orders",
  type: "ordinary",
  cron: "*/3 * * * *",
  graph: {
    nodes: [
      { id: "receive", componentId: "webhook", function: "receive" },
      {
        id: "push",
        componentId: COMPONENT,
        function: "push",
        credentials_id: "$vars.crm",
        fields: { url: "{{$vars.url}}", size: "{{$vars.batchSize}}" },
        tenant: "of the node",
        authorization: { authType: "API_KEY", authClientId: "client" },
      },
    ],
    edges: [{ id: "e1", source: "receive", target: "push" }],
  },
  variables: {
    url: { schema: { type: "string", pattern: "^https://" }, required: true },
    batchSize: { schema: { type: "integer", minimum: 1, maximum: 1000 }, default: 100, description: "At a time" },
    crm: { secret: true, required: true },
  },
  ...changed,
});

export const fitting = (changed: Record<string, unknown> = {}) => ({
  url: "https://crm.example.com",
  crm: newId(),
  ...changed,
});

export async function templateOf(caller: Caller, changed: Record<string, unknown> = {}): Promise<string> {
  const answer = await caller.call("addTemplate", { body: orders(changed) });
  if (answer.status !== 201) throw new Error(`The template was refused: ${JSON.stringify(answer.body)}`);
  return answer.body.data.id as string;
}

export const generate = (caller: Caller, id: string, body: Record<string, unknown> = {}) =>
  caller.call("generateFlow", { params: { id }, body: { values: fitting(), ...body } });

export async function instanceOf(caller: Caller, id: string, body: Record<string, unknown> = {}): Promise<string> {
  const answer = await generate(caller, id, body);
  if (answer.status !== 201) throw new Error(`No instance was made: ${JSON.stringify(answer.body)}`);
  const flowId = answer.body.data.id as string;
  await settle(flowId);
  return flowId;
}

export const edit = (caller: Caller, id: string, body: Record<string, unknown>) =>
  caller.call("updateTemplate", { params: { id }, body });

export const flow = async (caller: Caller, id: string) =>
  (await caller.call("getFlowById", { params: { id } })).body.data;

/** The document of a flow as it is kept. */
export async function keptOf(id: string): Promise<Record<string, unknown>> {
  const row = await env.DB.prepare("SELECT document FROM flows WHERE id = ?").bind(id).first<{ document: string }>();
  return JSON.parse(row!.document) as Record<string, unknown>;
}

export const errorsIn = (answer: { body: { errors: { error: string; pointer?: string }[] } }) =>
  answer.body.errors.map(({ error, pointer }) => [error, pointer]);
