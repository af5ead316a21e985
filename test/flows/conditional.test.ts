import { describe, expect, it } from "vitest";

import type { Answer, Call, Caller } from "../support/api.ts";
import { letDeadlinePass, ring, traceOf } from "../support/faults.ts";
import { bringTo, exampleFlow, flowOf, newId, rowOf, settle, someone, type StoredState } from "../support/given.ts";

const tagIn = (answer: Answer): string | null => answer.headers.get("etag");
const get = (caller: Caller, id: string) => caller.call("getFlowById", { params: { id } });
const tagOf = async (caller: Caller, id: string): Promise<string> => tagIn(await get(caller, id))!;
const edit = (caller: Caller, id: string, name: string, tag?: string) =>
  caller.call("updateFlow", {
    params: { id },
    body: { name },
    ...(tag === undefined ? {} : { headers: { "if-match": tag } }),
  });
const statusesIn = (answers: readonly Answer[]) => answers.map(({ status }) => status).toSorted((a, b) => a - b);

describe("the ETag of a flow", () => {
  it("is strong, stands on every answer about it, and is another one after each change", async () => {
    const caller = await someone();
    const created = await caller.call("addFlow", { body: exampleFlow() });
    const id = created.body.data.id as string;
    const tags = new Set<string>();
    const comesWith = async (answer: Answer) => {
      expect(answer.status).toBeLessThan(300);
      const tag = tagIn(answer)!;
      expect(tag).toMatch(/^"[\x21\x23-\x7e]+"$/);
      expect(tags).not.toContain(tag);
      expect([await tagOf(caller, id), await tagOf(caller, id)]).toEqual([tag, tag]);
      tags.add(tag);
    };
    await comesWith(created);
    await comesWith(await edit(caller, id, "B"));
    await comesWith(await caller.call("restoreFlowRevision", { params: { id, revision: "1" } }));
    await comesWith(await caller.call("startFlow", { params: { id } }));
    await comesWith(await caller.call("stopFlow", { params: { id } }));
    await comesWith(await caller.call("stopFlow", { params: { id }, query: { force: "true" } }));
  });

  it("stays as it is if a start or stop changes nothing", async () => {
    const caller = await someone();
    const id = await flowOf(caller);
    const tag = await tagOf(caller, id);
    expect(tagIn(await caller.call("stopFlow", { params: { id } }))).toBe(tag);
    const started = tagIn(await caller.call("startFlow", { params: { id } }));
    expect(tagIn(await caller.call("startFlow", { params: { id } }))).toBe(started);
    expect(started).not.toBe(tag);
  });

  it("changes when a command is repeated, since the answer tells whether the flow is stalled", async () => {
    const caller = await someone();
    const id = await flowOf(caller, {}, { status: "stopping", start_id: "a start", tries: 1, deadline_at: 1 });
    const seen = new Set([await tagOf(caller, id)]);
    for (let tries = 2; tries <= 4; tries += 1) {
      await letDeadlinePass(id);
      await settle(id);
      await ring(id);
      expect((await rowOf(id))?.tries).toBe(tries);
      seen.add(await tagOf(caller, id));
    }
    expect(seen.size).toBe(4);
    expect((await get(caller, id)).body.data).toMatchObject({ stalled: true, statusSeq: 0 });
  });

  it("stands on no answer about several flows", async () => {
    const caller = await someone();
    const created = await caller.call("addFlow", { body: [exampleFlow()] });
    const id = created.body.data[0].id as string;
    const edited = await caller.call("updateFlowBulk", { body: [{ id, name: "B" }] });
    expect([tagIn(created), tagIn(edited)]).toEqual([null, null]);
  });
});

describe("If-None-Match", () => {
  it.each([
    ["is the ETag", (tag: string) => tag],
    ["names it in a list", (tag: string) => `"0-0", ${tag} ,"x"`],
    ["names it in the weak form", (tag: string) => `W/${tag}`],
    ["names it in a list of weak ones", (tag: string) => `W/"0-0",W/${tag}`],
    ["is *", () => "*"],
  ])("that %s is answered 304 with the ETag and without a body", async (_, headerFor) => {
    const caller = await someone();
    const id = await flowOf(caller);
    const tag = await tagOf(caller, id);
    const answer = await caller.call("getFlowById", { params: { id }, headers: { "if-none-match": headerFor(tag) } });
    expect([answer.status, tagIn(answer), answer.body]).toEqual([304, tag, undefined]);
    expect(answer.headers.get("content-type")).toBeNull();
  });

  it("that is stale is answered with the flow", async () => {
    const caller = await someone();
    const id = await flowOf(caller);
    const tag = await tagOf(caller, id);
    await edit(caller, id, "B");
    for (const stale of [tag, `W/${tag}`, tag.slice(1, -1), `"x", ${tag}`, ""]) {
      const answer = await caller.call("getFlowById", { params: { id }, headers: { "if-none-match": stale } });
      expect([answer.status, answer.body.data.name]).toEqual([200, "B"]);
    }
  });

  it("tells nothing of a flow that is unknown or somebody else's", async () => {
    const caller = await someone();
    const foreign = await flowOf(await someone());
    for (const id of [foreign, newId()]) {
      for (const header of ["*", '"1-0"']) {
        const answer = await caller.call("getFlowById", { params: { id }, headers: { "if-none-match": header } });
        expect([answer.status, tagIn(answer)]).toEqual([404, null]);
      }
    }
  });
});

const active: StoredState = { status: "active", start_id: "a start" };
const changes: [string, StoredState, string, Call & { params?: Record<string, string> }][] = [
  ["PATCH", {}, "updateFlow", { body: { name: "Changed" } }],
  ["DELETE", {}, "deleteFlow", {}],
  ["a restore", {}, "restoreFlowRevision", { params: { revision: "1" } }],
  ["a start", {}, "startFlow", {}],
  ["a stop", active, "stopFlow", {}],
  ["a forced stop", active, "stopFlow", { query: { force: "true" } }],
];

describe.each(changes)("If-Match on %s", (_, state, operationId, request) => {
  /** A flow of two revisions and what is tried on it. */
  async function given() {
    const caller = await someone();
    const id = await flowOf(caller);
    await edit(caller, id, "B");
    await settle(id);
    await bringTo(id, state);
    return { id, tag: await tagOf(caller, id), changed: (tag: string) => change(caller, id, tag) };
  }
  const change = (caller: Caller, id: string, tag: string) =>
    caller.call(operationId, { ...request, params: { ...request.params, id }, headers: { "if-match": tag } });

  it.each([
    ["is the ETag", (tag: string) => tag],
    ["names it in a list", (tag: string) => `"0-0",${tag}, "x"`],
    ["is *", () => "*"],
  ])("that %s lets it be done", async (_sort, headerFor) => {
    const { id, tag, changed } = await given();
    const before = await rowOf(id);
    expect((await changed(headerFor(tag))).status).toBe(200);
    expect(await rowOf(id)).not.toEqual(before);
  });

  it.each([
    ["stale", () => '"1-0"'],
    ["weak", (tag: string) => `W/${tag}`],
    ["without quotes", (tag: string) => tag.slice(1, -1)],
    ["a list of others", (tag: string) => `"1-0", W/${tag}`],
  ])("that is %s is answered 412 with the present ETag, and nothing is done", async (_sort, headerFor) => {
    const { id, tag, changed } = await given();
    const before = await traceOf(id);
    const answer = await changed(headerFor(tag));
    expect([answer.status, tagIn(answer)]).toEqual([412, tag]);
    expect(answer.body.errors).toMatchObject([{ code: 412, error: "PRECONDITION_FAILED" }]);
    expect(await traceOf(id)).toEqual(before);
  });

  it("tells nothing of a flow that is unknown or somebody else's", async () => {
    const caller = await someone();
    const foreign = await flowOf(await someone(), {}, state);
    const before = await traceOf(foreign);
    for (const id of [foreign, newId()]) {
      for (const tag of ["*", '"1-0"', '"9-9"']) {
        const answer = await change(caller, id, tag);
        expect([answer.status, answer.body.errors[0].error, tagIn(answer)]).toEqual([404, "FLOW_NOT_FOUND", null]);
      }
    }
    expect(await traceOf(foreign)).toEqual(before);
  });
});

describe("who names an ETag", () => {
  it("is refused for the ETag before being refused for the status", async () => {
    const caller = await someone();
    const id = await flowOf(caller);
    const tag = await tagOf(caller, id);
    const started = tagIn(await caller.call("startFlow", { params: { id } }))!;
    expect((await edit(caller, id, "B", tag)).status).toBe(412);
    const answer = await edit(caller, id, "B", started);
    expect([answer.status, answer.body.errors[0].error]).toEqual([409, "FLOW_NOT_INACTIVE"]);
  });

  it("is told of a round of start and stop too", async () => {
    const caller = await someone();
    const id = await flowOf(caller);
    const tag = await tagOf(caller, id);
    await caller.call("startFlow", { params: { id } });
    await caller.call("stopFlow", { params: { id }, query: { force: "true" } });
    expect((await edit(caller, id, "B", tag)).status).toBe(412);
    expect((await rowOf(id))?.revision).toBe(1);
  });

  it("not at all overwrites what came before: the last writer wins", async () => {
    const caller = await someone();
    const id = await flowOf(caller);
    const answers = await Promise.all(["A", "B", "C", "D"].map((name) => edit(caller, id, name)));
    expect(statusesIn(answers)).toEqual([200, 200, 200, 200]);
    const last = answers.find(({ body }) => body.data.revision === 5)!;
    expect((await get(caller, id)).body.data).toEqual(last.body.data);
  });
});

describe("of changes at the same time that name the same ETag", () => {
  it("one PATCH of eight is made", async () => {
    const caller = await someone();
    const id = await flowOf(caller);
    const tag = await tagOf(caller, id);
    const answers = await Promise.all(Array.from({ length: 8 }, (_, n) => edit(caller, id, `Edit ${n}`, tag)));
    expect(statusesIn(answers)).toEqual([200, 412, 412, 412, 412, 412, 412, 412]);
    const made = answers.find(({ status }) => status === 200)!;
    expect((await get(caller, id)).body.data).toEqual(made.body.data);
    for (const answer of answers) expect(tagIn(answer)).toBe(tagIn(made));
    expect((await rowOf(id))?.revision).toBe(2);
  });

  it("one start of eight is made", async () => {
    const caller = await someone();
    const id = await flowOf(caller);
    const headers = { "if-match": await tagOf(caller, id) };
    const starts = Array.from({ length: 8 }, () => caller.call("startFlow", { params: { id }, headers }));
    expect(statusesIn(await Promise.all(starts))).toEqual([200, 412, 412, 412, 412, 412, 412, 412]);
    expect((await rowOf(id))?.status_seq).toBe(1);
  });

  it.each([
    ["PATCH and start", "startFlow"],
    ["PATCH and DELETE", "deleteFlow"],
    ["PATCH and restore", "restoreFlowRevision"],
  ])("one of %s is made", async (_, other) => {
    for (let round = 0; round < 10; round += 1) {
      const caller = await someone();
      const id = await flowOf(caller);
      const tag = await tagOf(caller, id);
      const patch = () => edit(caller, id, "B", tag);
      const rival = () => caller.call(other, { params: { id, revision: "1" }, headers: { "if-match": tag } });
      const both = await Promise.all(round % 2 === 0 ? [patch(), rival()] : [rival(), patch()]);
      expect(statusesIn(both)[0]).toBe(200);
      expect(other === "deleteFlow" ? [404, 412] : [412]).toContain(statusesIn(both)[1]);
    }
  });
});
