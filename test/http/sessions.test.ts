import { describe, expect, it } from "vitest";

import type { Answer } from "../support/api.ts";
import { exampleFlow, flowOf, newId, someone } from "../support/given.ts";
import { costOf, noChores } from "../support/many.ts";

const BOOKMARK = "x-d1-bookmark";
const bookmarkIn = (answer: Answer): string | null => answer.headers.get(BOOKMARK);
const form = /^[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{32}$/;

describe("a bookmark", () => {
  it("stands on the answers of reads, writes, starts and stops, each behind those before", async () => {
    const caller = await someone();
    const created = await caller.call("addFlow", { body: exampleFlow() });
    const id = created.body.data.id as string;
    const one = { params: { id } };
    const answers = [
      created,
      await caller.call("getFlowById", one),
      await caller.call("getFlows"),
      await caller.call("updateFlow", { ...one, body: { name: "B" } }),
      await caller.call("getFlowRevisions", one),
      await caller.call("startFlow", one),
      await caller.call("stopFlow", { ...one, query: { force: "true" } }),
      await caller.call("startMultipleFlows", { body: [id] }),
      await caller.call("stopMultipleFlows", { body: [id] }),
    ];
    const bookmarks = answers.map((answer) => bookmarkIn(answer)!);
    for (const bookmark of bookmarks) expect(bookmark).toMatch(form);
    expect(bookmarks).toEqual(bookmarks.toSorted());
  });

  it("stands on a 304 and on a refusal that the database was asked for", async () => {
    const caller = await someone();
    const id = await flowOf(caller);
    const same = await caller.call("getFlowById", { params: { id }, headers: { "if-none-match": "*" } });
    expect([same.status, bookmarkIn(same)]).toEqual([304, expect.stringMatching(form)]);
    const unknown = await caller.call("startFlow", { params: { id: newId() } });
    expect([unknown.status, bookmarkIn(unknown)]).toEqual([404, expect.stringMatching(form)]);
  });

  it.each(["addFlow", "updateFlow", "startFlow", "deleteFlow"])("of %s leads to what was written", async (write) => {
    const caller = await someone();
    const known = await flowOf(caller);
    const body = write === "addFlow" ? { body: exampleFlow() } : write === "updateFlow" ? { body: { name: "B" } } : {};
    const written = await caller.call(write, { params: { id: known }, ...body });
    const id = write === "addFlow" ? (written.body.data.id as string) : known;
    const headers = { [BOOKMARK]: bookmarkIn(written)! };
    const seen = await caller.call("getFlowById", { params: { id }, headers });
    const expected: Record<string, unknown> = {
      addFlow: { data: { id, revision: 1 } },
      updateFlow: { data: { name: "B", revision: 2 } },
      startFlow: { data: { status: "starting" } },
      deleteFlow: { errors: [{ error: "FLOW_NOT_FOUND" }] },
    };
    expect(seen.body).toMatchObject(expected[write]!);
    const total = (await caller.call("getFlows", { headers })).body.meta.total as number;
    expect(total).toBe({ addFlow: 2, deleteFlow: 0 }[write] ?? 1);
  });

  it("is taken by writes and starts as well", async () => {
    const caller = await someone();
    const created = await caller.call("addFlow", { body: exampleFlow() });
    const id = created.body.data.id as string;
    const edited = await caller.call("updateFlow", {
      params: { id },
      body: { name: "B" },
      headers: { [BOOKMARK]: bookmarkIn(created)! },
    });
    expect([edited.status, edited.body.data.revision]).toEqual([200, 2]);
    const started = await caller.call("startFlow", {
      params: { id },
      headers: { [BOOKMARK]: bookmarkIn(edited)!, "if-match": edited.headers.get("etag")! },
    });
    expect([started.status, started.body.data.status]).toEqual([200, "starting"]);
  });

  it.each([
    ["empty", ""],
    ["with a space", "00000001 00000001"],
    ["with a quote", "';--"],
    ["too long", "0".repeat(201)],
    ["a word", "garbage"],
    ["a name of the database's own", "first-unconstrained"],
    ["cut short", "00000001-00000001"],
  ])("that is none (%s) is answered 400 and nothing is done", async (_, bookmark) => {
    const caller = await someone();
    for (const [operationId, more] of [
      ["getFlows", {}],
      ["addFlow", { body: exampleFlow() }],
    ] as const) {
      const { status, body } = await caller.call(operationId, { ...more, headers: { [BOOKMARK]: bookmark } });
      expect([operationId, status]).toEqual([operationId, 400]);
      expect(body.errors).toMatchObject([{ error: "INVALID_PARAMETER", parameter: BOOKMARK }]);
    }
    expect((await caller.call("getFlows")).body.meta.total).toBe(0);
  });

  it("may be read by browsers, like the other headers of these answers", async () => {
    const caller = await someone();
    const answer = await caller.call("getFlows", { headers: { origin: "https://ui.example.com" } });
    const exposed = answer.headers.get("access-control-expose-headers")!.split(", ");
    expect(exposed).toEqual(expect.arrayContaining(["etag", BOOKMARK, "idempotency-replayed", "server-timing"]));
  });
});

describe("server-timing", () => {
  it.each([undefined, "", "false"])("is not told with SERVER_TIMING %j", async (SERVER_TIMING) => {
    const caller = await someone();
    const answer = await caller.call("getFlows", { env: { SERVER_TIMING } });
    expect([answer.status, answer.headers.get("server-timing")]).toEqual([200, null]);
  });

  it("tells with SERVER_TIMING true what reads and writes cost, refusals too", async () => {
    const caller = await someone();
    const id = await flowOf(caller);
    const settings = { env: { ...noChores, SERVER_TIMING: "true" } };
    const read = await caller.call("getFlowById", { params: { id }, ...settings });
    expect(costOf(read.headers)).toMatchObject({ written: 0, trips: 1 });
    const created = await caller.call("addFlow", { body: exampleFlow(), ...settings });
    expect(costOf(created.headers)).toMatchObject({ trips: 1 });
    expect(costOf(created.headers).written).toBeGreaterThan(1);
    const edited = await caller.call("updateFlow", { params: { id }, body: { name: "B" }, ...settings });
    expect(costOf(edited.headers)).toMatchObject({ trips: 2 });
    const unknown = await caller.call("getFlowById", { params: { id: newId() }, ...settings });
    expect([unknown.status, costOf(unknown.headers).trips]).toEqual([404, 1]);
  });
});
