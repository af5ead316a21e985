import { afterEach, describe, expect, it, vi } from "vitest";

import type { Answer, Call, Caller } from "../support/api.ts";
import { bringTo, newId, outboxOf, rowOf, settle, someone, type StoredState } from "../support/given.ts";
import { unique } from "../support/iam.ts";
import { costOf } from "../support/many.ts";
import { component, enforced, flowWith, ids, inShort, listOf, neighbours, refused, stored, toldBy } from "./given.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const [seen, hidden] = ids(2) as [string, string];
const some = () =>
  neighbours({ component: (id) => (id === seen ? component() : refused(403)()), secret: refused(404) });
const down = () => neighbours({ component: refused(503), list: refused(503), secret: refused(503) });
const good = flowWith({ component: seen });
const bad = flowWith({ component: seen }, { component: hidden, secret: hidden });
const faults = ["COMPONENT_NOT_VISIBLE /graph/nodes/1/componentId", "SECRET_NOT_VISIBLE /graph/nodes/1/credentials_id"];

const start = (caller: Caller, id: string, env: Record<string, unknown>, more: Call = {}): Promise<Answer> =>
  caller.call("startFlow", { params: { id }, env, ...more });
const startAll = (caller: Caller, body: string[], env: Record<string, unknown>, more: Call = {}): Promise<Answer> =>
  caller.call("startMultipleFlows", { body, env, ...more });

async function given(caller: Caller, body: object, state: StoredState = {}): Promise<string> {
  const id = await stored(caller, body);
  await settle(id);
  await bringTo(id, state);
  return id;
}

async function standing(id: string): Promise<unknown[]> {
  const { status, status_seq: seq } = (await rowOf(id))!;
  return [status, seq, (await outboxOf(id)).length];
}
const untouched = ["inactive", 0, 0];

describe("a start", () => {
  it.each([{}, enforced])("of what the starter does not see is refused with the places, with %j", async (mode) => {
    const caller = await someone();
    const id = await given(caller, bad);
    const answer = await start(caller, id, { ...some().settings, ...mode });
    expect([answer.status, toldBy(answer)]).toEqual([409, faults]);
    expect(answer.body.errors.map(({ code }: { code: number }) => code)).toEqual([409, 409]);
    expect(await standing(id)).toEqual(untouched);
  });

  it.each([{}, enforced])("of what the starter sees goes on, with %j", async (mode) => {
    const caller = await someone();
    const id = await given(caller, good);
    const answer = await start(caller, id, { ...some().settings, ...mode });
    expect([answer.status, answer.body]).toEqual([200, { data: { id, status: "starting" }, meta: {} }]);
  });

  it("goes on while neighbours are down", async () => {
    const caller = await someone();
    const id = await given(caller, bad);
    const answer = await start(caller, id, down().settings);
    expect([answer.status, answer.body.meta]).toEqual([200, {}]);
  });

  it("waits for neighbours that are down with CHECKS=enforce", async () => {
    const caller = await someone();
    const id = await given(caller, bad);
    const answer = await start(caller, id, { ...down().settings, ...enforced });
    expect([answer.status, toldBy(answer)]).toEqual([
      503,
      ["NEIGHBOUR_UNAVAILABLE /graph/nodes/0/componentId", "NEIGHBOUR_UNAVAILABLE /graph/nodes/1/credentials_id"],
    ]);
    expect(answer.headers.get("retry-after")).toBe("5");
    expect(await standing(id)).toEqual(untouched);
  });

  it("is judged by who starts, not by who saved", async () => {
    const editor = await someone();
    const starter = await someone({ tenant: editor.tenant! });
    const { settings, asked } = neighbours({ component: () => component() });
    const id = await given(editor, good);
    expect((await start(starter, id, settings)).status).toBe(200);
    expect(asked.map(({ headers }) => headers.get("authorization"))).toEqual([starter.authorization]);
  });

  it.each<StoredState>([
    { status: "starting", start_id: "s", tries: 1 },
    { status: "active", start_id: "s" },
    { status: "stopping", start_id: "s", tries: 1 },
  ])("of a flow that is $status asks nobody", async (state) => {
    const caller = await someone();
    const id = await given(caller, bad, state);
    const { settings, asked } = some();
    const answer = await start(caller, id, { ...settings, ...enforced });
    expect(answer.status).toBe(state.status === "stopping" ? 409 : 200);
    expect(asked).toEqual([]);
    const many = await startAll(caller, [id], { ...settings, ...enforced });
    expect(inShort(many.body[0].errors)).toEqual(state.status === "stopping" ? ["FLOW_STOPPING undefined"] : []);
    expect(asked).toEqual([]);
  });

  it("that is refused for another reason asks nobody", async () => {
    const caller = await someone();
    const id = await given(caller, bad);
    const { settings, asked } = some();
    expect((await start(caller, id, settings, { headers: { "if-match": '"7-7"' } })).status).toBe(412);
    expect((await start(await someone(), id, settings)).status).toBe(404);
    expect((await start(caller, newId(), settings)).status).toBe(404);
    expect(asked).toEqual([]);
  });

  it("that was carried out is answered again as it was, without a question", async () => {
    const caller = await someone();
    const id = await given(caller, good);
    const { settings, asked } = some();
    const request = { headers: { "idempotency-key": unique("key") } };
    const first = await start(caller, id, settings, request);
    const second = await start(caller, id, settings, request);
    expect([second.status, second.body]).toEqual([200, first.body]);
    expect(asked).toHaveLength(1);
  });

  it("that was refused is not remembered as its answer", async () => {
    const caller = await someone();
    const id = await given(caller, good);
    const request = { headers: { "idempotency-key": unique("key") } };
    const { settings } = neighbours({ component: refused(404) });
    expect((await start(caller, id, settings, request)).status).toBe(409);
    expect((await start(caller, id, some().settings, request)).status).toBe(200);
  });

  it("costs no more than it did where no neighbour is set, and asks nobody", async () => {
    const caller = await someone();
    const { asked } = some();
    const settings = { SERVER_TIMING: "true", ...enforced };
    const answer = await start(caller, await given(caller, bad), settings);
    // The flow's object counts for itself; here it does not.
    expect([answer.status, costOf(answer.headers).trips]).toEqual([200, 0]);
    const many = await startAll(caller, [await given(caller, bad)], settings);
    expect([many.body[0].data.status, costOf(many.headers).trips]).toEqual(["starting", 2]);
    expect(asked).toEqual([]);
  });
});

const tooMany = (at: number, key = "componentId") => [`TOO_MANY_REFERENCES /graph/nodes/${at}/${key}`];

describe("a start of what refers to more than can be checked", () => {
  it.each([{}, enforced])("is refused, and goes on when the rest is checked, with %j", async (mode) => {
    const caller = await someone();
    const id = await given(caller, flowWith(...ids(201).map((one) => ({ component: one }))));
    const { settings } = neighbours();
    const answer = await start(caller, id, { ...settings, ...mode });
    expect([answer.status, toldBy(answer)]).toEqual([409, tooMany(200)]);
    expect(answer.body.errors[0]).toMatchObject({ code: 409, detail: expect.stringMatching(/^1 place .* again/) });
    expect(await standing(id)).toEqual(untouched);
    expect((await start(caller, id, { ...settings, ...mode })).status).toBe(200);
  });

  it("is refused though the neighbour is too slow for the rest as well", async () => {
    const wait = globalThis.setTimeout;
    vi.spyOn(globalThis, "setTimeout").mockImplementation((does: () => void, ms = 0) => wait(does, ms / 50));
    const caller = await someone();
    const id = await given(caller, flowWith(...ids(201).map((one) => ({ component: one }))));
    const { settings } = neighbours({ component: () => new Promise<Response>(() => {}) });
    expect(toldBy(await start(caller, id, settings))).toEqual(tooMany(200));
  });

  it("is refused for secrets beyond, too, but not for those that are listed", async () => {
    const caller = await someone();
    const secrets = ids(200);
    const id = await given(caller, flowWith(...secrets.map((one) => ({ secret: one }))));
    const first = await start(caller, id, neighbours().settings);
    // The list is a question as well.
    expect(toldBy(first)).toEqual(tooMany(199, "credentials_id"));
    const made = neighbours({ list: () => listOf(...secrets) });
    const again = await start(caller, id, { ...made.settings, ...enforced });
    expect([again.status, made.asked.length]).toEqual([200, 1]);
  });

  it("says to start fewer, where several are started", async () => {
    const caller = await someone();
    const all = [];
    for (let at = 0; at < 3; at += 1) {
      all.push(await given(caller, flowWith(...ids(90).map((one) => ({ component: one })))));
    }
    const { settings, asked } = neighbours();
    const { body } = await startAll(caller, all, settings);
    expect([body[0].data.status, body[1].data.status]).toEqual(["starting", "starting"]);
    expect(inShort(body[2].errors)).toEqual(tooMany(20));
    expect(body[2].errors[0]).toMatchObject({
      code: 409,
      detail: expect.stringContaining("Start fewer flows at once."),
    });
    expect([await standing(all[2]!), asked.length]).toEqual([untouched, 200]);
  });
});

describe("a start of several", () => {
  it.each([{}, enforced])("is judged flow by flow, with %j", async (mode) => {
    const caller = await someone();
    const [one, two] = [await given(caller, bad), await given(caller, good)];
    const unknown = newId();
    const { settings } = some();
    const answer = await startAll(caller, [one, two, unknown], { ...settings, ...mode });
    expect(answer.status).toBe(200);
    const [first, second, third] = answer.body;
    expect(inShort(first.errors)).toEqual(faults);
    expect(first.errors[0]).toMatchObject({ code: 409, flowId: one });
    expect(second).toEqual({ data: { id: two, status: "starting" }, meta: {} });
    expect(third.errors[0].error).toBe("FLOW_NOT_FOUND");
    expect(await standing(one)).toEqual(untouched);
  });

  it.each<[object, string | undefined, string[]]>([
    [{}, "starting", []],
    [enforced, undefined, ["NEIGHBOUR_UNAVAILABLE /graph/nodes/0/componentId"]],
  ])("while neighbours are down, with %j", async (mode, status, told) => {
    const caller = await someone();
    const all = [await given(caller, good), await given(caller, flowWith({ component: "http" }))];
    const answer = await startAll(caller, all, { ...down().settings, ...mode });
    expect(answer.body[0].data?.status).toBe(status);
    expect(inShort(answer.body[0].errors)).toEqual(told);
    expect(answer.body[1].data.status).toBe("starting");
  });

  it("asks each question once for all of them", async () => {
    const caller = await someone();
    const all = [await given(caller, good), await given(caller, bad), await given(caller, bad)];
    const { settings, questions } = some();
    await startAll(caller, all, settings);
    expect(questions().toSorted()).toEqual(
      [
        "/api/v1/secrets",
        `/api/v1/secrets/${hidden}`,
        ...[seen, hidden].map((id) => `/components/${id}`).toSorted(),
      ].toSorted(),
    );
  });

  it("that an outage refused goes on when it is sent again under its key", async () => {
    const caller = await someone();
    const [one, two] = [await given(caller, good), await given(caller, flowWith({}))];
    const request = { headers: { "idempotency-key": unique("key") } };
    const first = await startAll(caller, [one, two], { ...down().settings, ...enforced }, request);
    expect([first.body[0].errors?.length, first.body[1].data?.status]).toEqual([1, "starting"]);
    const second = await startAll(caller, [one, two], { ...some().settings, ...enforced }, request);
    expect(second.body.map((entry: Record<string, { status: string }>) => entry["data"]?.status)).toEqual([
      "starting",
      "starting",
    ]);
  });
});

it("a stop asks nobody", async () => {
  const caller = await someone();
  const id = await given(caller, bad, { status: "active", start_id: "s" });
  const { settings, asked } = some();
  const env = { ...settings, ...enforced };
  expect((await caller.call("stopFlow", { params: { id }, env })).status).toBe(200);
  expect((await caller.call("stopMultipleFlows", { body: [id], env })).status).toBe(200);
  expect(asked).toEqual([]);
});
