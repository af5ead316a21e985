import { env } from "cloudflare:workers";
import { afterEach, expect, it, vi } from "vitest";

import { admin, flowOf, rowOf, someone } from "../support/given.ts";
import { replaceNetwork, unique } from "../support/iam.ts";
import {
  activeFlow,
  begun,
  cameTo,
  crash,
  ended,
  hurried,
  line,
  ran,
  rebindRun,
  rested,
  runOf,
} from "../support/runs.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

type Caller = Awaited<ReturnType<typeof someone>>;

async function secretOf(caller: Caller, type: string, value: Record<string, unknown>): Promise<string> {
  const answer = await caller.call("addSecret", { body: { name: "crm", type, value } });
  if (answer.status !== 201) throw new Error(JSON.stringify(answer.body));
  return answer.body.data.id;
}

/** A target that repeats what it was sent, credentials included. */
const echo = (status = 200) =>
  replaceNetwork(({ headers, url }) =>
    Response.json(
      { got: headers.get("authorization") ?? headers.get("x-key"), at: url, password: "of others" },
      { status },
    ),
  );

it.each([
  ["SIMPLE", (passphrase: string) => ({ username: "alice-at-crm", passphrase })],
  ["API_KEY", (key: string) => ({ key, headerName: "X-Key" })],
  ["OA2_AUTHORIZATION_CODE", (accessToken: string) => ({ accessToken })],
] as const)("a secret of type %s is sent, and hidden wherever the run is shown", async (type, valueOf) => {
  const asked = echo();
  const caller = await someone();
  const value = unique("value");
  const id = await secretOf(caller, type, valueOf(value));
  const graph = line(
    {
      id: "call",
      componentId: "http",
      fields: { url: "https://target.example/?q={{$string(metadata.none)}}" },
      credentials_id: id,
    },
    { id: "log", componentId: "log", fields: { message: "It said {{data.got}}" } },
  );
  const flowId = await activeFlow(caller, graph);
  const run = await ran(caller, flowId, {});
  expect(run.status).toBe("completed");
  const sent = asked[0]!.headers.get("authorization") ?? asked[0]!.headers.get("x-key")!;
  expect(sent).not.toBe("");
  const logs = await caller.call("getStepLogs", { params: { id: flowId, stepId: "log" } });
  const told = JSON.stringify([run, logs.body]);
  expect(told).toContain("[masked]");
  for (const form of [value, sent.split(" ").at(-1)!, "of others"]) expect(told).not.toContain(form);
});

it("hides them in the fault of a run too, in its list as well", async () => {
  echo(403);
  const caller = await someone();
  const key = unique("key");
  const id = await secretOf(caller, "API_KEY", { key, headerName: "x-key" });
  const flowId = await activeFlow(
    caller,
    line({ id: "call", componentId: "http", fields: { url: "https://target.example/" }, credentials_id: id }),
  );
  const run = await ran(caller, flowId, {});
  expect(run).toMatchObject({ status: "failed", error: { code: "HTTP_STATUS", step: "call" } });
  const list = await caller.call("listRuns", { params: { id: flowId } });
  const row = await env.DB.prepare("SELECT fault FROM runs WHERE id = ?").bind(run.id).first("fault");
  for (const told of [run, list.body, row]) expect(JSON.stringify(told)).not.toContain(key);
});

it("fails the step closed if the secret is somebody else's, and calls nothing", async () => {
  const asked = echo();
  const id = await secretOf(await someone(), "API_KEY", { key: unique("key"), headerName: "x-key" });
  const caller = await someone();
  const flowId = await activeFlow(
    caller,
    line({ id: "call", componentId: "http", fields: { url: "https://target.example/" }, credentials_id: id }),
  );
  const run = await ran(caller, flowId, {});
  expect(run).toMatchObject({ status: "failed", error: { code: "SECRET_UNAVAILABLE", step: "call" } });
  expect(asked).toEqual([]);
});

it("opens no secret of a tenant that owns the flow for a starter who is not of that tenant", async () => {
  const asked = echo();
  const owner = await someone();
  const key = unique("key");
  const id = await secretOf(owner, "API_KEY", { key, headerName: "x-key" });
  const guest = await someone();
  const graph = line({
    id: "call",
    componentId: "http",
    fields: { url: "https://target.example/" },
    credentials_id: id,
  });
  const owners = [
    { id: owner.tenant!, type: "tenant" },
    { id: guest.sub, type: "user" },
  ];
  const flowId = await flowOf(await admin(), { graph, owners });
  expect((await guest.call("startFlow", { params: { id: flowId } })).status).toBe(200);
  await expect.poll(async () => (await rowOf(flowId))?.status, { timeout: 10_000 }).toBe("active");
  const run = await ran(guest, flowId, {});
  expect(run).toMatchObject({ status: "failed", error: { code: "SECRET_UNAVAILABLE" } });
  expect(asked).toEqual([]);
});

it("hides them in a run that repeats another, and in the one that called it", async () => {
  echo();
  const caller = await someone();
  const key = unique("key");
  const id = await secretOf(caller, "API_KEY", { key, headerName: "x-key" });
  const graph = line(
    { id: "call", componentId: "http", fields: { url: "https://target.example/" }, credentials_id: id },
    { id: "log", componentId: "log", fields: { message: "It said {{data.got}}" } },
  );
  const flowId = await activeFlow(caller, graph);
  const run = await ran(caller, flowId, {});
  const replay = await caller.call("replayRun", { params: { id: run.id }, body: { step: "log" } });
  const outer = await activeFlow(
    caller,
    line(
      { id: "ask", componentId: "flow", fields: { flow: flowId } },
      { id: "log", componentId: "log", fields: { message: "Got {{data.got}}" } },
    ),
  );
  const told = [await ended(caller, replay.body.data.id), await ran(caller, outer, {})];
  for (const shown of told) {
    expect(shown).toMatchObject({ status: "completed" });
    expect(JSON.stringify(shown)).toContain("[masked]");
    expect(JSON.stringify(shown)).not.toContain(key);
  }
});

it("hides both values of one that was renewed while the run went on", async () => {
  const asked = echo();
  const caller = await someone();
  const [old, renewed] = [unique("old"), unique("renewed")];
  const id = await secretOf(caller, "OA2_AUTHORIZATION_CODE", { accessToken: old });
  const call = { componentId: "http", fields: { url: "https://target.example/" }, credentials_id: id };
  const graph = line(
    { id: "before", ...call },
    { id: "wait", componentId: "delay", fields: { seconds: 3600 } },
    { id: "after", ...call },
    { id: "log", componentId: "log", fields: { message: "It said {{data.got}}" } },
  );
  const run = await begun(caller, await activeFlow(caller, graph));
  await rested(run);
  const body = { value: { accessToken: renewed } };
  expect((await caller.call("updateSecret", { params: { id }, body })).status).toBe(200);
  const whole = await hurried(caller, run);
  expect(asked.map(({ headers }) => headers.get("authorization"))).toEqual([`Bearer ${old}`, `Bearer ${renewed}`]);
  await crash(run);
  for (const shown of [whole, await ended(caller, run)]) {
    expect(shown).toMatchObject({ status: "completed" });
    for (const value of [old, renewed]) expect(JSON.stringify(shown)).not.toContain(value);
  }
});

it("hides a number, as a number and in texts", async () => {
  replaceNetwork(({ url }) => Response.json({ got: Number(new URL(url).searchParams.get("pin")), other: 654321 }));
  const caller = await someone();
  const id = await secretOf(caller, "MIXED", { payload: { pin: 80_412_967 } });
  const url = "https://target.example/?pin={{$secret.pin}}";
  const graph = line(
    { id: "call", componentId: "http", fields: { url }, credentials_id: id },
    { id: "log", componentId: "log", fields: { message: "It said {{data.got}}" } },
  );
  const flowId = await activeFlow(caller, graph);
  const run = await ran(caller, flowId, {});
  expect(cameTo(run, "log")).toEqual([{ got: "[masked]", other: 654_321 }]);
  const logs = await caller.call("getStepLogs", { params: { id: flowId, stepId: "log" } });
  expect(JSON.stringify(logs.body)).toContain("It said [masked]");
  const sample = { data: {} };
  const { body: trial } = await caller.call("testStep", { params: { id: flowId, stepId: "call" }, body: sample });
  expect(trial.data).toMatchObject({ outcome: "sent", outputs: [{ data: { got: "[masked]" } }] });
  for (const told of [run, logs.body, trial]) expect(JSON.stringify(told)).not.toContain("80412967");
});

it("shows no message at all if the key is gone that its secrets were sealed with", async () => {
  echo();
  const caller = await someone();
  const key = unique("key");
  const id = await secretOf(caller, "API_KEY", { key, headerName: "x-key" });
  const call = { id: "call", componentId: "http", fields: { url: "https://target.example/" }, credentials_id: id };
  const run = await ran(caller, await activeFlow(caller, line(call)), { harmless: true });
  await crash(run.id);
  await rebindRun(run.id, { SECRETS_KEY: "c".repeat(64) });
  const shown = await runOf(caller, run.id);
  expect(shown.items).toMatchObject([{ step: "call", state: "done", input: "[masked]", outputs: ["[masked]"] }]);
});
