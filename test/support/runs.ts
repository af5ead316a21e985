import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { expect } from "vitest";

import type { Caller } from "./api.ts";
import { flowOf } from "./given.ts";

const patient = { timeout: 15_000, interval: 20 };

interface Node {
  readonly id: string;
  readonly componentId?: string;
  readonly fields?: unknown;
  readonly nodeSettings?: unknown;
  readonly credentials_id?: string;
}

/** A graph whose steps follow each other. */
export const line = (...nodes: Node[]) => ({
  nodes,
  edges: nodes.slice(1).map((node, index) => ({ source: nodes[index]!.id, target: node.id })),
});

/** Stores an active flow of the caller, past its start. */
export const activeFlow = (caller: Caller, graph: unknown, more: Record<string, unknown> = {}): Promise<string> =>
  flowOf(caller, { graph, ...more }, { status: "active" }).then(async (id) => {
    await env.DB.prepare("UPDATE flows SET started_by = ?, started_in = ?, start_id = ? WHERE id = ?")
      .bind(caller.sub, caller.tenant ?? null, "start", id)
      .run();
    return id;
  });

export const post = (flowId: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
  exports.default.fetch(`http://flows.test/hook/${flowId}`, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "content-type": "application/json", ...headers },
  });

export async function runOf(caller: Caller, id: string) {
  return (await caller.call("getRun", { params: { id } })).body.data;
}

/** Waits until a run has ended, and answers it. */
export async function ended(caller: Caller, id: string) {
  await expect.poll(async () => (await runOf(caller, id)).status, patient).not.toBe("running");
  return runOf(caller, id);
}

/** Begins a run by hand and answers it when it has ended. */
export const ran = async (caller: Caller, flowId: string, data: unknown) =>
  ended(caller, await begun(caller, flowId, data));

type Shown = Awaited<ReturnType<typeof runOf>>;
interface StepShown {
  readonly step: string;
  readonly states: Record<string, number>;
}
interface ItemShown {
  readonly step: string;
  readonly input: { readonly data: unknown };
}

/** How many messages are in which state, by step. */
export const statesOf = (run: Shown): Record<string, Record<string, number>> =>
  Object.fromEntries((run.steps as StepShown[]).map(({ step, states }) => [step, states]));

/** The payloads that came to a step, in order. */
export const cameTo = (run: Shown, step: string): unknown[] =>
  (run.items as ItemShown[]).filter((item) => item.step === step).map(({ input }) => input.data);

/** Values in an order that does not depend on which came first. */
export const inOrder = <T>(values: readonly T[]): T[] =>
  values.toSorted((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1));

/** Begins a run by hand and answers its id. */
export async function begun(caller: Caller, flowId: string, data: unknown = {}): Promise<string> {
  const answer = await caller.call("startRun", { params: { id: flowId }, body: { data } });
  if (answer.status !== 201) throw new Error(`No run was begun: ${JSON.stringify(answer.body)}`);
  return answer.body.data.id;
}

const runObject = (id: string) => env.RUN.getByName(id);

/** Does something inside a run's object. */
export const insideRun = <R>(id: string, act: (state: DurableObjectState) => R | Promise<R>): Promise<R> =>
  runInDurableObject(runObject(id), (_, state) => act(state));

/** Rings the object's alarm and waits for all that it does, or for its crash. */
export async function ringRun(id: string): Promise<void> {
  await insideRun(id, ({ storage }) => storage.setAlarm(Date.now() + 60_000));
  await runDurableObjectAlarm(runObject(id)).catch(() => false);
}

/** Has the platform ring the alarm at once. After a crash it would do so by itself, only later. */
export const wakeRun = (id: string): Promise<void> => insideRun(id, ({ storage }) => storage.setAlarm(Date.now()));

/** Reads or writes the run's log. */
export const logged = <T>(id: string, text: string, ...values: SqlStorageValue[]): Promise<T[]> =>
  insideRun(id, ({ storage }) => storage.sql.exec(text, ...values).toArray() as T[]);

/** Takes the object out of memory as a crash does: nothing that it is about is finished. */
export const crash = (id: string): Promise<void> =>
  insideRun(id, (state) => state.abort("The test lets it crash.")).then(
    () => undefined,
    () => undefined,
  );

/** Answers of the network that wait until the test lets them go; a promise of the test's would be another object's. */
export function heldAnswers() {
  const free = new Set<number>();
  let asked = 0;
  return {
    count: () => asked,
    letGo: (...numbers: number[]) => numbers.forEach((number) => free.add(number)),
    answer: async (answer: Response = Response.json({})): Promise<Response> => {
      asked += 1;
      const own = asked;
      while (!free.has(own)) await scheduler.wait(2);
      return answer;
    },
  };
}

/** Waits until nothing of a run is due now, and answers when something will be; null at the end. */
export async function rested(id: string): Promise<number | null> {
  const text = "SELECT status, (SELECT min(due_at) FROM items) AS next FROM run";
  const look = async () => (await logged<{ status: string; next: number | null }>(id, text))[0]!;
  await expect
    .poll(async () => {
      const { status, next } = await look();
      return status !== "running" || (next !== null && next > Date.now());
    }, patient)
    .toBe(true);
  return (await look()).next;
}

/** Lets the time pass for which the messages of a run wait, and whatever follows happen. */
export async function hasten(id: string): Promise<void> {
  await logged(id, "UPDATE items SET due_at = ? WHERE due_at IS NOT NULL", Date.now() - 1);
  await ringRun(id);
}

/** Hastens a run to its end, and answers it. */
export async function hurried(caller: Caller, id: string, most = 60) {
  for (let rounds = 0; rounds < most && (await runOf(caller, id)).status === "running"; rounds += 1) await hasten(id);
  return ended(caller, id);
}

/** Begins a run by hand, lets no time pass, and answers it at its end. */
export const rushed = async (caller: Caller, flowId: string, data: unknown = {}) =>
  hurried(caller, await begun(caller, flowId, data));

interface Edge {
  readonly source: string;
  readonly target: string;
  config?: object;
}

/** A graph of edges such as `in>a a>end`, with what is said of its nodes. */
export function graphOf(edges: string, nodes: Record<string, object> = {}) {
  const ways = edges.split(" ").map((edge): Edge => {
    const [source, target] = edge.split(">");
    return { source: source!, target: target! };
  });
  const ids = [...new Set(ways.flatMap(({ source, target }) => [source, target]))];
  return { nodes: ids.map((id) => ({ id, ...nodes[id] })), edges: ways };
}

/** Changes bindings of a run's object until it is out of memory or they are changed back. */
export const rebindRun = (id: string, changed: Record<string, unknown>): Promise<void> =>
  runInDurableObject(runObject(id), (instance) => {
    const object = instance as unknown as { env: Record<string, unknown> };
    object.env = { ...object.env, ...changed };
  });

/** Begins a run under an id of the test's, past the API. */
export async function startedAs(caller: Caller, flowId: string, graph: unknown, id = freshRunId(flowId)) {
  const facts = {
    id,
    flowId,
    flowName: null,
    revision: 1,
    startId: null,
    trigger: "manual",
    startedBy: caller.sub,
    startedIn: null,
    tenant: null,
    requestId: id,
    depth: 0,
  } as const;
  const definition = JSON.stringify({ name: null, graph });
  const step = (graph as { nodes: { id: string }[] }).nodes[0]!.id;
  await runObject(id).start({ facts, definition, seeds: [{ step, body: '{"data":1}' }] });
  return id;
}

export const freshRunId = (flowId: string): string =>
  `run_${flowId}_${Date.now().toString(16).padStart(12, "0")}${crypto.randomUUID().replaceAll("-", "").slice(0, 16)}`;
