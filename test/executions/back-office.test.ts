import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { timeUuid } from "../../src/executions/uuid.ts";
import type { Answer, Caller } from "../support/api.ts";
import { call } from "../support/api.ts";
import { crashExecution, openFlow, route, rowOfExecution, started, walk, type Client } from "../support/executions.ts";
import { admin, newId, someone } from "../support/given.ts";

let caller: Caller;
beforeEach(async () => {
  caller = await someone();
});
afterEach(() => {
  vi.restoreAllMocks();
});

const commands = [route("first", { validate: { iban: { rule: "string", optional: true } } }), route("second")];
const begun = async (more: object = {}): Promise<Client> => {
  const { client } = await walk(caller, commands, more);
  await expect.poll(() => rowOfExecution(client.uuid)).not.toBeNull();
  return client;
};
const list = (by: Caller, query: Record<string, string> = {}): Promise<Answer> => by.call("listExecutions", { query });
const uuidsOf = ({ body }: Answer): string[] => body.data.map(({ uuid }: { uuid: string }) => uuid);
const of = (by: Caller, operation: string, uuid: string, more: object = {}): Promise<Answer> =>
  by.call(operation, { params: { uuid }, ...more });
const notFound = { status: 404, body: { errors: [{ code: 404, error: "EXECUTION_NOT_FOUND" }] } };

/** Enters executions of a flow at given times, the oldest first, past the service. */
async function enter(
  flowId: string,
  home: string,
  rows: readonly { at: number; status?: string }[],
): Promise<string[]> {
  const uuids = rows.map(({ at }) => timeUuid(at));
  const text =
    "INSERT INTO executions (uuid, flow_id, home, workflow, revision, status, started_at) VALUES (?, ?, ?, 'w', 1, ?, ?)";
  await env.DB.batch(
    rows.map(({ at, status = "running" }, index) => env.DB.prepare(text).bind(uuids[index], flowId, home, status, at)),
  );
  return uuids;
}
const homeOf = async (id: string): Promise<string> =>
  (await env.DB.prepare("SELECT home FROM flows WHERE id = ?").bind(id).first("home"))!;

describe("the list of executions", () => {
  it("has those of one's flows, the newest first, and nothing of other tenants", async () => {
    const { name } = await openFlow(caller, { commands });
    const clients: Client[] = [];
    for (let n = 0; n < 3; n += 1) {
      clients.push(await started(name));
      await expect.poll(() => rowOfExecution(clients.at(-1)!.uuid)).not.toBeNull();
      const now = Date.now();
      await expect.poll(() => Date.now()).toBeGreaterThan(now);
    }
    const answer = await list(caller);
    expect(uuidsOf(answer)).toEqual(clients.map(({ uuid }) => uuid).toReversed());
    expect(answer.body.meta).toEqual({ next: null });
    expect(answer.body.data[0]).toMatchObject({
      workflow: name,
      revision: 1,
      status: "running",
      endedAt: null,
      outcome: null,
    });
    expect((await list(await someone())).body).toEqual({ data: [], meta: { next: null } });
    const seen = uuidsOf(await list(await admin(), { "page[size]": "100" }));
    for (const { uuid } of clients) expect(seen).toContain(uuid);
  });

  it("is filtered by workflow, status and time", async () => {
    const { id, name } = await openFlow(caller, { commands });
    const other = await openFlow(caller, { commands });
    const at = Date.UTC(2026, 0, 1);
    const uuids = await enter(id, await homeOf(id), [
      { at, status: "failed" },
      { at: at + 1000, status: "terminated" },
      { at: at + 2000 },
    ]);
    const [theirs] = await enter(other.id, await homeOf(other.id), [{ at: at + 500 }]);
    const client = await started(name);
    await expect.poll(() => rowOfExecution(client.uuid)).not.toBeNull();
    const [failed, terminated, running] = uuids as [string, string, string];
    const iso = (more: number) => new Date(at + more).toISOString();
    const found = async (query: Record<string, string>) => uuidsOf(await list(caller, query));
    expect(await found({ "filter[workflow]": id })).toEqual([client.uuid, running, terminated, failed]);
    expect(await found({ "filter[workflow]": name })).toEqual([client.uuid]);
    expect(await found({ "filter[status]": "failed" })).toEqual([failed]);
    expect(await found({ "filter[status]": "failed, terminated" })).toEqual([terminated, failed]);
    expect(await found({ "filter[to]": iso(1000) })).toEqual([theirs, failed]);
    expect(await found({ "filter[from]": iso(1000), "filter[to]": iso(2000) })).toEqual([terminated]);
    expect(await found({ "filter[from]": "2026-01-01T01:00:00+01:00", "filter[to]": iso(1) })).toEqual([failed]);
    expect(await found({ "filter[workflow]": "none" })).toEqual([]);
    expect((await list(await someone(), { "filter[workflow]": id })).status).toBe(404);
  });

  it.each<Record<string, string>>([
    { "filter[status]": "done" },
    { "filter[status]": "" },
    { "filter[from]": "yesterday" },
    { "page[size]": "0" },
    { "page[size]": "101" },
    { "page[after]": "1" },
  ])("refuses %j", async (query) => {
    const answer = await list(caller, query);
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ error: "INVALID_PARAMETER" }] } });
  });

  it("is paged: each execution once, though others begin meanwhile", async () => {
    const { id, name } = await openFlow(caller, { commands });
    const home = await homeOf(id);
    const uuids = await enter(
      id,
      home,
      Array.from({ length: 7 }, (_, n) => ({ at: Date.now() - 100_000 + n * 1000 })),
    );
    const seen: string[] = [];
    for (let after: string | null | undefined; after !== null;) {
      const page = await list(caller, { "page[size]": "3", ...(after === undefined ? {} : { "page[after]": after }) });
      seen.push(...uuidsOf(page));
      after = page.body.meta.next as string | null;
      await started(name);
    }
    expect(seen).toEqual(uuids.toReversed());
  });

  it("goes on behind a thousand that are of another kind", async () => {
    const { id } = await openFlow(caller, { commands });
    const from = Date.now() - 10_000_000;
    const rows = Array.from({ length: 1500 }, (_, n) => ({ at: from + n, status: n === 0 ? "failed" : "terminated" }));
    const [rare] = await enter(id, await homeOf(id), rows);
    const first = await list(caller, { "filter[status]": "failed" });
    expect(first.body.data).toEqual([]);
    const second = await list(caller, { "filter[status]": "failed", "page[after]": first.body.meta.next });
    expect([uuidsOf(second), second.body.meta.next]).toEqual([[rare], null]);
  });

  it("does not show executions of a flow that is not one's own any more, nor of one that is deleted", async () => {
    const { id } = await openFlow(caller, { commands });
    const [uuid] = await enter(id, await homeOf(id), [{ at: Date.now() }]);
    expect(uuidsOf(await list(caller))).toEqual([uuid]);
    await env.DB.prepare("DELETE FROM flows WHERE id = ?").bind(id).run();
    expect(uuidsOf(await list(caller))).toEqual([]);
    expect(await of(caller, "getExecutionDetail", uuid!)).toMatchObject(notFound);
    expect((await of(await admin(), "getExecutionDetail", uuid!)).status).toBe(200);
  });
});

describe("an execution in detail", () => {
  it("shows how it stands and its script; what is marked is masked", async () => {
    const client = await begun({ mask: ["first.iban"], expires: 600 });
    await client.submit({ iban: "DE02 1203 0000 0000 2020 51" });
    await client.back();
    const { body } = await of(caller, "getExecutionDetail", client.uuid.toUpperCase());
    expect(body.data).toMatchObject({
      uuid: client.uuid,
      status: "running",
      waitsFor: [],
      route: { uri: "/first", payload: { iban: "[masked]" }, validate: { iban: { rule: "string" } } },
      workflow: { commands: [{ name: "first" }, { name: "second" }] },
    });
    expect(body.data.name).toBe(body.data.workflow.name);
    expect(JSON.stringify(body)).not.toContain("DE02");
  });

  it("of one that ended tells how, and of one that is not, nothing", async () => {
    const client = await begun();
    await client.submit({});
    await client.submit({});
    await expect.poll(() => rowOfExecution(client.uuid)).toMatchObject({ status: "terminated" });
    expect((await of(caller, "getExecutionDetail", client.uuid)).body.data).toMatchObject({
      status: "terminated",
      outcome: { kind: "success" },
      route: { terminal: true },
      endedAt: expect.any(String),
    });
    for (const uuid of [crypto.randomUUID(), "1"]) {
      expect((await of(caller, "getExecutionDetail", uuid)).status).toBe(404);
    }
  });
});

describe("events", () => {
  it("are not kept unless the workflow says so", async () => {
    const client = await begun();
    await client.submit({ iban: "x" });
    expect((await of(caller, "getExecutionEvents", client.uuid)).body).toEqual({ data: [], meta: { next: null } });
  });

  it("are kept in order, masked and paged; a refused payload leaves its findings alone", async () => {
    const client = await begun({ log: true, mask: ["first.iban"] });
    await client.submit({ iban: 7 });
    await client.submit({ iban: "DE02", password: "hidden" });
    await crashExecution(client.uuid);
    await client.back({ draft: 1 });
    const all = (await of(caller, "getExecutionEvents", client.uuid, { query: { "page[size]": "500" } })).body.data;
    const types = all.map(({ type }: { type: string }) => type);
    expect(types[0]).toBe("started");
    for (const type of ["route", "validation", "submit", "back"]) expect(types).toContain(type);
    expect(all.map(({ seq }: { seq: number }) => seq)).toEqual(all.map((_: unknown, index: number) => index + 1));
    const text = JSON.stringify(all);
    expect(text).toContain("[masked]");
    for (const hidden of ["DE02", "hidden"]) expect(text).not.toContain(hidden);
    const seen: unknown[] = [];
    for (let after: number | null = 0; after !== null;) {
      const query = { "page[size]": "2", after: `${after}` };
      const { body }: Answer = await of(caller, "getExecutionEvents", client.uuid, { query });
      seen.push(...body.data);
      after = body.meta.next;
    }
    expect(seen).toEqual(all);
  });
});

describe("the end by the back office", () => {
  it("wakes whoever waits, ends once, and is told to the client", async () => {
    const wait = { command: "wait", event: "never" };
    const { name } = await openFlow(caller, { commands: [wait, route("first")] });
    const client = await started(name);
    await expect.poll(() => rowOfExecution(client.uuid)).not.toBeNull();
    const waiting = client.look();
    expect((await of(caller, "getExecutionDetail", client.uuid)).body.data.waitsFor).toEqual(["event"]);
    const ended = await of(caller, "terminateExecution", client.uuid);
    expect([ended.status, ended.body.data]).toEqual([200, { uuid: client.uuid }]);
    expect(await waiting).toMatchObject({ status: 400, body: { code: "EXECUTION_TERMINATED" } });
    await expect.poll(() => rowOfExecution(client.uuid)).toMatchObject({ status: "terminated" });
    const row = await rowOfExecution(client.uuid);
    expect((await of(caller, "terminateExecution", client.uuid)).status).toBe(200);
    expect(await rowOfExecution(client.uuid)).toEqual(row);
    const signal = await of(caller, "signalExecution", client.uuid, { body: { name: "never" } });
    expect(signal).toMatchObject({ status: 409, body: { errors: [{ error: "EXECUTION_ENDED" }] } });
  });

  it.each([[{}], [{ name: "" }], [{ name: "a b" }], [{ name: 1 }], [[]]])("is not signalled by %j", async (body) => {
    const client = await begun();
    expect((await of(caller, "signalExecution", client.uuid, { body })).status).toBe(400);
  });
});

const body = (operation: string) => (operation === "signalExecution" ? { body: { name: "paid" } } : {});

describe("the back office", () => {
  const each = ["getExecutionDetail", "getExecutionEvents", "terminateExecution", "signalExecution"];

  it.each(each)("is closed to other tenants: %s", async (operation) => {
    const client = await begun();
    expect(await of(await someone(), operation, client.uuid, body(operation))).toMatchObject(notFound);
    expect((await client.look()).status).toBe(200);
    expect((await of(await admin(), operation, client.uuid, body(operation))).status).toBe(200);
  });

  it.each([...each, "listExecutions"])("is never opened by the token of an execution: %s", async (operation) => {
    const client = await begun();
    const answer = await call(`Bearer ${client.token}`, operation, {
      params: { uuid: client.uuid },
      ...body(operation),
    });
    expect(answer).toMatchObject({ status: 401, body: { errors: [{ error: "TOKEN_INVALID" }] } });
    expect((await client.look()).status).toBe(200);
  });

  it.each([
    ["listExecutions", "executions.read"],
    ["getExecutionDetail", "executions.read"],
    ["getExecutionEvents", "executions.read"],
    ["terminateExecution", "executions.control"],
    ["signalExecution", "executions.control"],
  ])("demands for %s the permission %s", async (operation, permission) => {
    const { client } = await walk(caller, commands);
    const { sub, tenant } = caller;
    const like = (permissions: string[]) => someone({ sub, tenant: tenant!, permissions });
    await expect.poll(() => rowOfExecution(client.uuid)).not.toBeNull();
    const other = permission === "executions.read" ? "executions.control" : "executions.read";
    const request = [operation, client.uuid, body(operation)] as const;
    expect((await of(await like([other, "executions.start", "flows.read"]), ...request)).status).toBe(403);
    expect((await of(await like([permission]), ...request)).status).toBe(200);
  });
});

it("is told to nobody what a flow of another tenant's id is", async () => {
  expect((await list(caller, { "filter[workflow]": newId() })).status).toBe(404);
});
