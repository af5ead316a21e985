import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";

import type { Caller } from "../support/api.ts";
import { as } from "../support/api.ts";
import { exampleFlow, newId, outboxOf, someone, strictFlow } from "../support/given.ts";

const noCourier = { FLOW_OBJECT: { getByName: () => ({ relay: () => Promise.resolve() }) } };
const json = { "content-type": "application/json" };
const listOf = (count: number, flow: string) => `[${Array.from({ length: count }, () => flow).join(",")}]`;
const named = (name: string) => ({ ...exampleFlow(), name });
const stored = async (caller: Caller): Promise<number> => (await caller.call("getFlows")).body.meta.total as number;
const waitingOf = async (caller: Caller): Promise<number> => {
  const found = await env.DB.prepare("SELECT count(*) AS n FROM outbox WHERE instr(body, ?) > 0")
    .bind(caller.sub)
    .first("n");
  return found as number;
};

describe("several flows may be stored at once", () => {
  it.each([
    ["flows.bulk", ["flows.write", "flows.bulk"]],
    ["tenant.all", ["flows.write", "tenant.all"]],
    ["all", ["all"]],
  ])("by whoever holds %s", async (_, permissions) => {
    const caller = await someone({ permissions });
    const { status, body } = await caller.call("addFlow", { body: [named("one"), named("two")] });
    expect(status).toBe(201);
    expect(body.data.map(({ name }: { name: string }) => name)).toEqual(["one", "two"]);
  });

  it.each([
    ["one", [named("one")]],
    ["none", []],
  ])("not by somebody without, be it %s", async (_, flows) => {
    const sub = newId();
    const caller = await as({ sub, permissions: ["flows.write"] });
    const { status, body } = await caller.call("addFlow", { body: flows });
    expect(status).toBe(403);
    const message = "User is missing permission for bulk operations";
    expect(body.errors).toEqual([{ message, code: 403, error: "MISSING_BULK_PERMISSION" }]);
    expect(await stored(await as({ sub, permissions: ["flows.read"] }))).toBe(0);
  });

  it("not by somebody who may not write", async () => {
    const caller = await someone({ permissions: ["flows.bulk", "tenant.all"] });
    const { status, body } = await caller.call("addFlow", { body: [named("one")] });
    expect([status, body.errors[0].message]).toEqual([403, "MISSING_PERMISSION"]);
  });
});

describe("of several flows", () => {
  it("each is answered in its place, as if it had come alone", async () => {
    const caller = await someone();
    const foreign = { ...named("foreign"), owners: [{ id: newId(), type: "user" }] };
    const bad = [{}, foreign, { ...named("active"), status: "active" }, { ...named("owners"), owners: 5 }];
    const body = [named("first"), bad[0], bad[1], named("second"), bad[2], bad[3], named("third")];
    const answer = await caller.call("addFlow", { body });
    expect([answer.status, answer.body.meta]).toEqual([201, {}]);
    const results = answer.body.data as { id?: string; name?: string; errors?: unknown }[];
    expect(results.map(({ name }) => name)).toEqual([
      "first",
      undefined,
      undefined,
      "second",
      undefined,
      undefined,
      "third",
    ]);
    for (const [place, sent] of [
      [1, bad[0]],
      [2, bad[1]],
      [4, bad[2]],
      [5, bad[3]],
    ] as const) {
      expect(results[place]).toEqual((await caller.call("addFlow", { body: sent })).body);
    }
    expect(await stored(caller)).toBe(3);
    for (const { id, ...flow } of results.filter((result) => result.id !== undefined)) {
      expect((await caller.call("getFlowById", { params: { id: id! } })).body.data).toEqual({ id, ...flow });
    }
  });

  it("the stored ones are announced and the refused ones are not", async () => {
    const caller = await someone();
    const answer = await caller.call("addFlow", { body: [named("one"), {}, null, named("two")], env: noCourier });
    const ids = (answer.body.data as { id?: string }[]).flatMap(({ id }) => id ?? []);
    expect([ids.length, await waitingOf(caller)]).toEqual([2, 2]);
    for (const id of ids) {
      const [message, ...more] = await outboxOf(id);
      expect(more).toEqual([]);
      expect(JSON.parse(message!.body)).toMatchObject({
        headers: { name: "flowrepo.flow.created" },
        payload: { tenant: caller.tenant, user: caller.sub, flowId: id },
      });
    }
  });

  it("all may be wrong", async () => {
    const caller = await someone();
    const { status, body } = await caller.call("addFlow", { body: [null, 1, "x", [], [named("nested")], true] });
    expect(status).toBe(201);
    const wrong = {
      errors: [{ message: "A flow must be a JSON object.", code: 400, error: "WRONG_TYPE", pointer: "" }],
    };
    expect(body).toEqual({ data: [wrong, wrong, wrong, wrong, wrong, wrong], meta: {} });
    expect(await stored(caller)).toBe(0);
  });

  it("one that would be too large when stored does not hold up the others", async () => {
    const caller = await someone();
    const large = JSON.stringify(named("large")).replace("{", `{"flowSettings":[${"1e20,".repeat(150_000)}1],`);
    const raw = `[${JSON.stringify(named("one"))},${large},${JSON.stringify(named("two"))}]`;
    const { status, body } = await caller.call("addFlow", { raw, headers: json });
    expect([status, body.data[0].name, body.data[2].name]).toEqual([201, "one", "two"]);
    expect(body.data[1].errors).toEqual([
      expect.objectContaining({ message: "request entity too large", code: 413, error: "BODY_TOO_LARGE" }),
    ]);
    expect(await stored(caller)).toBe(2);
  });

  it("very many faults do not make an answer many times as large as what was sent", async () => {
    const raw = listOf(2, `{"graph":{"nodes":[{"id":"a"}],"edges":[${"{},".repeat(4999)}{}]}}`);
    const { status, body } = await (await someone()).call("addFlow", { raw, headers: json });
    expect(status).toBe(201);
    expect(body.data.map(({ errors }: { errors: { error: string }[] }) => errors[0]?.error)).toEqual([
      "EDGE_TARGET_REQUIRED",
      "EDGE_TARGET_REQUIRED",
    ]);
    expect(JSON.stringify(body).length).toBeLessThan(20 * raw.length);
  });

  it("those that have too many nodes, edges and owners together are refused before anything is done", async () => {
    const caller = await someone();
    const edges = Array.from({ length: 9998 }, () => '{"source":"a","target":"b"}').join(",");
    const flow = `{"graph":{"nodes":[{"id":"a"},{"id":"b"}],"edges":[${edges}]}}`;
    expect((await caller.call("addFlow", { raw: listOf(5, flow), headers: json })).status).toBe(201);
    const { status, body } = await caller.call("addFlow", { raw: listOf(6, flow), headers: json });
    expect([status, body.errors[0].error]).toEqual([400, "INVALID_BODY"]);
    expect(await stored(caller)).toBe(5);
  });

  it("each is judged by the mode of the service", async () => {
    const caller = await someone();
    const settings = { FLOW_VALIDATION: "strict" };
    const { body } = await caller.call("addFlow", { body: [exampleFlow(), strictFlow()], env: settings });
    expect(body.data[0].errors).toHaveLength(4);
    expect(body.data[1].name).toBe("WiceToSnazzy");
  });

  it("none at all is no fault", async () => {
    const { status, body } = await (await someone()).call("addFlow", { body: [] });
    expect([status, body]).toEqual([201, { data: [], meta: {} }]);
  });

  it("up to 1000 are taken", async () => {
    const caller = await someone();
    const flow = { graph: { nodes: [{ id: "a" }] } };
    const most = await caller.call("addFlow", { body: Array.from({ length: 1000 }, () => flow), env: noCourier });
    expect(most.status).toBe(201);
    expect(new Set((most.body.data as { id: string }[]).map(({ id }) => id)).size).toBe(1000);
    expect([await stored(caller), await waitingOf(caller)]).toEqual([1000, 1000]);
  });

  it("more than 1000 are refused before anything is done", async () => {
    const caller = await someone();
    const flow = { graph: { nodes: [{ id: "a" }] } };
    const { status, body } = await caller.call("addFlow", { body: Array.from({ length: 1001 }, () => flow) });
    expect([status, body.errors[0].error]).toEqual([400, "INVALID_BODY"]);
    expect(body.errors[0].message).toContain("At most 1000 flows");
    expect(await stored(caller)).toBe(0);
  });
});
