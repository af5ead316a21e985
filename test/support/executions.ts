import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { expect } from "vitest";

import { databaseOf } from "../../src/db/client.ts";
import { openWorkflow } from "../../src/executions/open.ts";
import { findFlow } from "../../src/flows/store.ts";
import { call as callAs, type Answer, type Call, type Caller } from "./api.ts";
import { flowOf, newId, rowOf } from "./given.ts";

/** A name that no other workflow has. */
export const freshName = (): string => `w${newId()}`;

export const route = (name: string, more: object = {}) => ({ command: "route", name, uri: `/${name}`, ...more });

/** Stores a workflow of the caller that is open, past its start. */
export async function openFlow(
  caller: Caller,
  workflow: Record<string, unknown>,
): Promise<{ id: string; name: string }> {
  const name = freshName();
  const id = await flowOf(
    caller,
    { kind: "workflow", graph: undefined, workflow: { name, access: "public", ...workflow } },
    { status: "active" },
  );
  await env.DB.prepare("UPDATE flows SET started_by = ?, started_in = ?, start_id = ? WHERE id = ?")
    .bind(caller.sub, caller.tenant ?? null, "start", id)
    .run();
  const row = (await findFlow(databaseOf(env.DB), id, null))!;
  expect(await openWorkflow(databaseOf(env.DB), row, Date.now())).toBeUndefined();
  return { id, name: (workflow["name"] as string | undefined) ?? name };
}

/** Waits until the lifecycle has brought a flow to a status. */
export const comesTo = (id: string, status: string): Promise<void> =>
  expect.poll(async () => (await rowOf(id))?.status, { timeout: 15_000, interval: 25 }).toBe(status);

/** A client of one execution: it knows the route that it was shown last. */
export class Client {
  readonly uuid: string;
  readonly token: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- see Answer
  route: any;

  constructor(uuid: string, token: string) {
    this.uuid = uuid;
    this.token = token;
  }

  call(operation: string, request: Call = {}): Promise<Answer> {
    return callAs(`Bearer ${this.token}`, operation, { ...request, params: { uuid: this.uuid, ...request.params } });
  }

  #seen(answer: Answer): Answer {
    if (answer.status === 200) this.route = answer.body;
    return answer;
  }

  look = async (wait = "25"): Promise<Answer> => this.#seen(await this.call("getExecution", { query: { wait } }));

  submit = async (payload?: unknown, uuid: string = this.route.uuid, wait = "25"): Promise<Answer> =>
    this.#seen(await this.call("submitExecution", { body: { uuid, payload }, query: { wait } }));

  back = async (payload?: unknown, uuid: string = this.route.uuid): Promise<Answer> =>
    this.#seen(await this.call("goBack", { body: { uuid, payload } }));
}

/** Starts an execution without a token. */
export async function started(name: string, input?: unknown, authorization?: string): Promise<Client> {
  const answer = await callAs(authorization, "startExecution", {
    params: { name },
    ...(input === undefined ? {} : { body: input }),
  });
  if (answer.status !== 201) throw new Error(`No execution began: ${JSON.stringify(answer.body)}`);
  return new Client(answer.body.uuid, answer.body.token);
}

/** Opens a workflow of these commands, starts it, and looks at its first route. */
export async function walk(caller: Caller, commands: readonly object[], more: object = {}, input?: unknown) {
  const { name, id } = await openFlow(caller, { ...more, commands });
  const client = await started(name, input);
  const first = await client.look();
  return { client, first, name, id };
}

const objectOf = (uuid: string) => env.EXECUTION.getByName(uuid);

/** Reads or writes the execution's journal. */
export const noted = <T>(uuid: string, text: string, ...values: SqlStorageValue[]): Promise<T[]> =>
  runInDurableObject(objectOf(uuid), (_, { storage }) => storage.sql.exec(text, ...values).toArray() as T[]);

/** Rings the object's alarm and waits for all that it does. */
export async function ringExecution(uuid: string): Promise<void> {
  await runInDurableObject(objectOf(uuid), (_, { storage }) => storage.setAlarm(Date.now() + 60_000));
  await runDurableObjectAlarm(objectOf(uuid)).catch(() => false);
}

/** Takes the object out of memory as a crash does. */
export const crashExecution = (uuid: string): Promise<void> =>
  runInDurableObject(objectOf(uuid), (_, state) => state.abort("The test lets it crash.")).then(
    () => undefined,
    () => undefined,
  );

/** Has the object read its journal anew. */
const forget = (uuid: string): Promise<void> =>
  runInDurableObject(objectOf(uuid), (instance) => {
    (instance as unknown as { opened: unknown }).opened = undefined;
  });

/** Lets the time pass until something pending is due. */
export async function hastenExecution(uuid: string): Promise<void> {
  await noted(uuid, "UPDATE pending SET due_at = 0");
  await forget(uuid);
  await ringExecution(uuid);
}

/** Has the time of an execution be over; the object reads it anew. */
export async function expireExecution(uuid: string): Promise<void> {
  await noted(uuid, "UPDATE execution SET facts = json_set(facts, '$.expiresAt', ?)", Date.now() - 1);
  await crashExecution(uuid);
}

/** Changes bindings of an execution's object until it is out of memory or they are changed back. */
export const rebindExecution = (uuid: string, changed: Record<string, unknown>): Promise<void> =>
  runInDurableObject(objectOf(uuid), (instance) => {
    const object = instance as unknown as { env: Record<string, unknown> };
    object.env = { ...object.env, ...changed };
  });

/** What the object of an execution keeps: names of its tables, and when it will wake. */
export const keptOfExecution = (uuid: string): Promise<{ tables: string[]; alarm: number | null }> =>
  runInDurableObject(objectOf(uuid), async (_, { storage }) => ({
    tables: storage.sql
      .exec<{ name: string }>(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\'",
      )
      .toArray()
      .map(({ name }) => name)
      .filter((name) => name !== "sqlite_sequence"),
    alarm: await storage.getAlarm(),
  }));

/** Uploads a file of an execution. */
export async function uploaded(client: Client, name = "card.png", type = "image/png", content = "PNG!") {
  const form = new FormData();
  form.set("file", new File([content], name, { type }));
  const answer = await fetchApi("/api/files/cache", {
    method: "POST",
    headers: { authorization: `Bearer ${client.token}` },
    body: form,
  });
  return { status: answer.status, body: await answer.json<Record<string, unknown> & { uuid: string }>() };
}

/** Keys of the files that are kept of an execution. */
export const filesKept = async (uuid: string): Promise<string[]> =>
  (await env.FILES.list({ prefix: `executions/${uuid}/` })).objects.map(({ key }) => key);

export const rowOfExecution = (uuid: string) =>
  env.DB.prepare("SELECT * FROM executions WHERE uuid = ?").bind(uuid).first();

export const fetchApi = (path: string, init: RequestInit = {}): Promise<Response> =>
  exports.default.fetch(`http://flows.test${path}`, init);
