import { afterEach, describe, expect, it, vi } from "vitest";

import type { Answer, Call, Caller } from "../support/api.ts";
import { bringTo, newId, someone } from "../support/given.ts";
import { unique } from "../support/iam.ts";
import { fitting, templateOf } from "../templates/given.ts";
import { component, enforced, flowWith, ids, neighbours, refused, save, stored, toldBy } from "./given.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const [seen, private_, own, foreign] = ids(4) as [string, string, string, string];
const isKnown = (id: string) => id === seen || id === own;
/** They show one component and one secret. */
const some = () =>
  neighbours({
    component: (id) => (isKnown(id) ? component() : refused(403)()),
    secret: (id) => (isKnown(id) ? Response.json({ data: {} }) : refused(404)()),
  });
const good = flowWith({ component: seen }, { component: seen, secret: own });
const bad = flowWith({ component: "http" }, { component: private_, secret: own }, { component: seen, secret: foreign });
const faults = ["COMPONENT_NOT_VISIBLE /graph/nodes/1/componentId", "SECRET_NOT_VISIBLE /graph/nodes/2/credentials_id"];
const at = (place: number) => faults.map((fault) => fault.replace(" ", ` /${place}`));
const keyed = (key: string): Call => ({ headers: { "idempotency-key": key } });

const revisionsOf = async (caller: Caller, id: string): Promise<number> =>
  (await caller.call("getFlowById", { params: { id } })).body.data.revision as number;
const count = async (caller: Caller): Promise<number> => (await caller.call("getFlows")).body.meta.total as number;

interface Save {
  /** Sends it, with a flow that refers to what the caller does not see, or to what they see. */
  readonly send: (body: object, env: Record<string, unknown>) => Promise<Answer>;
  readonly done: () => Promise<number>;
}

const saves: [string, number, (caller: Caller) => Promise<Save>][] = [
  [
    "addFlow",
    201,
    async (caller) => ({ send: (body, settings) => save(caller, body, settings), done: () => count(caller) }),
  ],
  [
    "updateFlow",
    200,
    async (caller) => {
      const id = await stored(caller, flowWith({}));
      return {
        send: (body, settings) => caller.call("updateFlow", { params: { id }, body, env: settings }),
        done: async () => (await revisionsOf(caller, id)) - 1,
      };
    },
  ],
  [
    "restoreFlowRevision",
    200,
    async (caller) => {
      const id = await stored(caller, good);
      await caller.call("updateFlow", { params: { id }, body: bad });
      await caller.call("updateFlow", { params: { id }, body: flowWith({}) });
      return {
        send: (body, settings) => {
          const revision = body === good ? "1" : "2";
          return caller.call("restoreFlowRevision", { params: { id, revision }, env: settings });
        },
        done: async () => (await revisionsOf(caller, id)) - 3,
      };
    },
  ],
];

describe.each(saves)("%s", (_, status, given) => {
  it("stores a flow and tells what its editor does not see, with its place", async () => {
    const { send, done } = await given(await someone());
    const { settings } = some();
    const saved = await send(bad, settings);
    expect([saved.status, toldBy(saved), await done()]).toEqual([status, faults, 1]);
    expect(Object.keys(saved.body.meta)).toEqual(["warnings"]);
  });

  it("refuses it with CHECKS=enforce, and stores nothing", async () => {
    const { send, done } = await given(await someone());
    const { settings } = some();
    const saved = await send(bad, { ...settings, ...enforced });
    expect([saved.status, toldBy(saved), await done()]).toEqual([400, faults, 0]);
    expect(saved.body.errors.map(({ code }: { code: number }) => code)).toEqual([400, 400]);
  });

  it.each([{}, enforced])("says nothing of what its editor sees, with %j", async (mode) => {
    const { send, done } = await given(await someone());
    const { settings } = some();
    const saved = await send(good, { ...settings, ...mode });
    expect([saved.status, saved.body.meta, await done()]).toEqual([status, {}, 1]);
  });

  it.each([{}, enforced])("is not kept from it by neighbours that are down, with %j", async (mode) => {
    const { send, done } = await given(await someone());
    const { settings } = neighbours({ component: refused(503), list: refused(503), secret: refused(503) });
    const saved = await send(bad, { ...settings, ...mode });
    expect([saved.status, toldBy(saved), await done()]).toEqual([
      status,
      ["NEIGHBOUR_UNAVAILABLE /graph/nodes/1/componentId", "NEIGHBOUR_UNAVAILABLE /graph/nodes/1/credentials_id"],
      1,
    ]);
    expect(saved.body.meta.warnings).toMatchObject([
      { code: 503, detail: "The Component Repository did not answer in time; 2 steps were not checked." },
      { code: 503, detail: "The Secret Service did not answer in time; 2 steps were not checked." },
    ]);
  });

  it("asks nobody and costs nothing where no neighbour is set, whatever CHECKS says", async () => {
    const caller = await someone();
    const { send, done } = await given(caller);
    const { asked } = some();
    const saved = await send(bad, { ...enforced, SERVER_TIMING: "true" });
    expect([saved.status, saved.body.meta, asked, await done()]).toEqual([status, {}, [], 1]);
  });
});

describe("several flows", () => {
  it("are stored each, and the pointers of what is told begin with their places", async () => {
    const caller = await someone();
    const { settings, questions } = some();
    const saved = await save(caller, [good, bad, { graph: {} }, bad], settings);
    expect([saved.status, toldBy(saved), await count(caller)]).toEqual([201, [...at(1), ...at(3)], 3]);
    expect(new Set(questions()).size).toBe(questions().length);
  });

  it("are refused each by itself with CHECKS=enforce, and warnings of others stay at their places", async () => {
    const caller = await someone();
    const silent = newId();
    const { settings } = neighbours({
      component: (id) => (id === silent ? refused(500)() : refused(isKnown(id) ? 200 : 404, { data: {} })()),
      secret: refused(404),
    });
    const bodies = [bad, flowWith({ component: silent }), good];
    const saved = await save(caller, bodies, { ...settings, ...enforced });
    expect(saved.status).toBe(201);
    const [first, second, third] = saved.body.data;
    expect(toldBy({ ...saved, body: first })).toEqual([
      faults[0],
      "SECRET_NOT_VISIBLE /graph/nodes/1/credentials_id",
      faults[1],
    ]);
    expect(second).toMatchObject({ status: "inactive" });
    expect(toldBy({ ...saved, body: third })).toEqual(["SECRET_NOT_VISIBLE /graph/nodes/1/credentials_id"]);
    expect(toldBy(saved)).toEqual(["NEIGHBOUR_UNAVAILABLE /1/graph/nodes/0/componentId"]);
    expect(await count(caller)).toBe(1);
  });

  it("are edited each, and the pointers of what is told begin with their places", async () => {
    const caller = await someone();
    const [one, two] = [await stored(caller, flowWith({})), await stored(caller, flowWith({}))];
    const { settings } = some();
    const body = [
      { id: one, graph: bad.graph },
      { id: newId(), graph: bad.graph },
      { id: two, graph: good.graph },
      { id: two, graph: bad.graph },
    ];
    const edited = await caller.call("updateFlowBulk", { body, env: settings });
    expect([edited.status, toldBy(edited)]).toEqual([200, [...at(0), ...at(3)]]);
    expect(edited.body.data.map(({ revision, errors }: Record<string, unknown>) => revision ?? errors)).toEqual([
      2,
      [expect.objectContaining({ error: "FLOW_NOT_FOUND" })],
      2,
      3,
    ]);
  });

  it("are refused each by itself with CHECKS=enforce when they are edited", async () => {
    const caller = await someone();
    const [one, two] = [await stored(caller, flowWith({})), await stored(caller, flowWith({}))];
    const { settings } = some();
    const body = [
      { id: one, graph: bad.graph },
      { id: two, graph: good.graph },
    ];
    const edited = await caller.call("updateFlowBulk", { body, env: { ...settings, ...enforced } });
    expect([edited.status, edited.body.meta]).toEqual([200, {}]);
    expect(toldBy({ ...edited, body: edited.body.data[0] })).toEqual(faults);
    expect(edited.body.data[0].errors[0]).toMatchObject({ flowId: one, code: 400 });
    expect(edited.body.data[1]).toMatchObject({ id: two, revision: 2 });
    expect(await revisionsOf(caller, one)).toBe(1);
  });

  it("do not make an answer many times as large as what was sent", async () => {
    const { settings } = some();
    const many = flowWith(...Array.from({ length: 600 }, () => ({ component: private_ })));
    const saved = await save(await someone(), [many, many], settings);
    expect(saved.body.meta.warnings).toHaveLength(501);
    expect(saved.body.meta.warnings.at(-1)).toMatchObject({ error: "MORE_FINDINGS" });
  });
});

describe("a flow that somebody starts while neighbours are asked about its edit", () => {
  it.each<[string, (id: string) => Call]>([
    ["updateFlow", (id) => ({ params: { id }, body: bad })],
    ["updateFlowBulk", (id) => ({ body: [{ id, graph: bad.graph }] })],
  ])("is not edited by %s, and no warning is told", async (operationId, requestFor) => {
    const caller = await someone();
    const id = await stored(caller, flowWith({}));
    const { settings } = neighbours({
      component: async () => {
        await bringTo(id, { status: "active", start_id: "s" });
        return refused(403)();
      },
    });
    const { body } = await caller.call(operationId, { ...requestFor(id), env: settings });
    expect((body.errors ?? body.data[0].errors)[0].error).toBe("FLOW_NOT_INACTIVE");
    expect(body.meta ?? {}).toEqual({});
    expect(await revisionsOf(caller, id)).toBe(1);
  });
});

describe("a request that is sent again", () => {
  it.each([
    ["a flow", bad],
    ["several", [good, bad]],
  ])("for %s gets the same answer with its warnings, and nobody is asked again", async (_, body) => {
    const caller = await someone();
    const { settings, asked } = some();
    const request = keyed(unique("key"));
    const first = await save(caller, body, settings, request);
    const { length } = asked;
    const second = await save(caller, body, settings, request);
    expect(second.headers.get("idempotency-replayed")).toBe("true");
    expect(second.body).toEqual(first.body);
    expect(first.body.meta.warnings).toHaveLength(2);
    expect(asked).toHaveLength(length);
  });
});

describe("a flow of a template", () => {
  it("is checked with its own secret", async () => {
    const caller = await someone();
    const id = await templateOf(caller);
    const { settings } = some();
    const body = { values: fitting({ crm: foreign }) };
    const call = (mode: object) => caller.call("generateFlow", { params: { id }, body, env: { ...settings, ...mode } });
    const told = [
      "COMPONENT_NOT_VISIBLE /graph/nodes/1/componentId",
      "SECRET_NOT_VISIBLE /graph/nodes/1/credentials_id",
    ];
    const [warned, kept] = [await call({}), await call(enforced)];
    expect([warned.status, toldBy(warned)]).toEqual([201, told]);
    expect([kept.status, toldBy(kept)]).toEqual([400, told]);
  });
});

describe("a check without a save", () => {
  it.each([
    [{}, true, true],
    [enforced, false, undefined],
  ])("with %j tells the same", async (mode, valid, warning) => {
    const { settings } = some();
    const checked = await (await someone()).call("validateFlow", { body: bad, env: { ...settings, ...mode } });
    expect(checked.body.data.valid).toBe(valid);
    expect(toldBy({ ...checked, body: { errors: checked.body.data.findings } })).toEqual(faults);
    expect(checked.body.data.findings.map((one: { warning?: true }) => one.warning)).toEqual([warning, warning]);
    expect(checked.body.meta).toEqual({});
  });

  it("tells it of a flow that has other faults, and never holds an outage against it", async () => {
    const { settings } = neighbours({ component: refused(500) });
    const broken = { ...flowWith({ component: newId() }), name: {} };
    const checked = await (await someone()).call("validateFlow", { body: broken, env: { ...settings, ...enforced } });
    expect(checked.body.data.findings).toMatchObject([
      { error: "WRONG_TYPE", pointer: "/name" },
      { error: "NEIGHBOUR_UNAVAILABLE", pointer: "/graph/nodes/0/componentId", warning: true },
    ]);
  });
});
