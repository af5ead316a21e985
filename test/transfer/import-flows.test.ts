import { beforeAll, describe, expect, it } from "vitest";

import type { Caller } from "../support/api.ts";
import { expectDerived } from "../support/derived.ts";
import { ring } from "../support/faults.ts";
import { admin, newId, outboxOf, settle, someone } from "../support/given.ts";
import { recordChores } from "../support/many.ts";
import { idsOf, pageOf } from "../support/pages.ts";
import { deliver, namesOf, recordQueues, report } from "../support/queues.ts";
import { comesTo } from "../support/executions.ts";
import { getFlow, idOf, ndjson, originalFlow, send, sent, wholeRow } from "./given.ts";

let root: Caller;
let owner: Caller;
beforeAll(async () => {
  root = await admin();
  owner = await someone();
});

const later = { $date: "2024-03-01T00:00:00.000Z" };

describe("an imported flow", () => {
  it("is its owners' with its id, dates and status, in lists, counts and searches", async () => {
    const mine = await someone();
    const word = `w${newId()}`;
    const lines = (["inactive", "active"] as const).map((status) =>
      originalFlow(mine, { status, description: `Says ${word}`, type: "nightly" }),
    );
    await sent(root, lines, { imported: 2 });
    const [first, second] = lines.map(idOf) as [string, string];
    expect((await getFlow(mine, second)).body.data).toMatchObject({
      id: second,
      status: "active",
      createdAt: "2024-01-02T03:04:05.678Z",
      updatedAt: "2024-02-03T04:05:06.789Z",
      revision: 1,
      statusSeq: 0,
      startedBy: mine.sub,
      graph: { nodes: [{ fields: { size: 5 } }, {}] },
    });
    for (const query of [
      "",
      `search=${word}`,
      "filter[type]=nightly",
      "filter[componentId]=5ca5c44c187c040010a9bb8b",
    ]) {
      const page = await pageOf(mine, query);
      expect([idsOf(page), page.body.meta.total]).toEqual([[first, second], 2]);
    }
    expect(idsOf(await pageOf(mine, "filter[status]=active"))).toEqual([second]);
    expect((await getFlow(owner, second)).status).toBe(404);
    expect((await pageOf(await someone(), `search=${word}`)).body.data).toEqual([]);
    expect(await outboxOf(first)).toEqual([]);
    const [note] = (await mine.call("getFlowRevisions", { params: { id: first } })).body.data;
    expect(note).toMatchObject({ revision: 1, by: null, note: "Imported." });
    await expectDerived();
  });

  it("that nobody owns is the admins' alone", async () => {
    const line = originalFlow(owner, { owners: [] });
    await sent(root, [line], { imported: 1 });
    expect((await getFlow(root, idOf(line))).status).toBe(200);
    expect((await getFlow(owner, idOf(line))).status).toBe(404);
  });

  it("that is active can be stopped, and its orchestrator is told as after a start", async () => {
    const line = originalFlow(owner, { status: "active" });
    await sent(root, [line], { imported: 1 });
    const id = idOf(line);
    expect(await outboxOf(id)).toEqual([]);
    const told = await recordQueues(id);
    expect((await owner.call("stopFlow", { params: { id } })).body.data.status).toBe("stopping");
    await settle(id);
    const { start_id: startId } = (await wholeRow(id))!;
    expect(startId).toMatch(/^[0-9a-f-]{36}$/);
    expect(told.map(({ body }) => [body.headers.name, body.headers["startId"]])).toEqual([["flow.stopping", startId]]);
    await deliver("flow-reports", report("flow.stopped", id));
    await comesTo(id, "inactive");
  });

  it("that is inactive can be edited and started", async () => {
    const line = originalFlow(owner);
    await sent(root, [line], { imported: 1 });
    const id = idOf(line);
    const edited = await owner.call("updateFlow", { params: { id }, body: { name: "Another" } });
    expect(edited.body.data).toMatchObject({ name: "Another", revision: 2 });
    const told = await recordQueues(id);
    await owner.call("startFlow", { params: { id } });
    await settle(id);
    expect(namesOf(told)).toContain("flow.starting");
    await deliver("flow-reports", report("flow.started", id));
    await comesTo(id, "active");
  });

  it.each(["starting", "stopping"] as const)("that is %s has its command sent again", async (status) => {
    const line = originalFlow(owner, { status });
    const chores = recordChores();
    await sent(root, [line], { imported: 1 }, { env: chores.env });
    const id = idOf(line);
    expect(chores.bodies).toEqual([{ headers: { name: "flow.wake" }, payload: { ids: [id] } }]);
    const told = await recordQueues(id);
    await settle(id);
    expect(await ring(id)).toBe(true);
    await expect.poll(() => namesOf(told)).toEqual([`flow.${status}`]);
    expect(await wholeRow(id)).toMatchObject({ status, status_seq: 0, tries: 2 });
    const after = status === "starting" ? "active" : "inactive";
    await deliver("flow-reports", report(status === "starting" ? "flow.started" : "flow.stopped", id));
    await comesTo(id, after);
  });

  it.each(["workflow", "api"] as const)(
    "of the kind %s that is active goes out as a command of this service",
    async (kind) => {
      const name = `w${newId()}`;
      const own =
        kind === "workflow"
          ? { workflow: { name, access: "public", commands: [{ command: "success" }] } }
          : { api: { basePath: `/${name}`, resources: [] } };
      const base = { name, kind, owners: [{ id: owner.sub, type: "user" }] };
      const lines = [
        { ...base, ...own, id: newId(), status: "active" },
        { ...base, ...own, id: newId(), status: "inactive" },
      ];
      const chores = recordChores();
      await sent(root, lines, { imported: 2 }, { env: chores.env });
      const [active, inactive] = lines.map(({ id }) => id) as [string, string];
      const [message, ...more] = await outboxOf(active);
      expect(more).toEqual([]);
      const row = (await wholeRow(active))!;
      expect(message!.queue).toBe("chores");
      expect(JSON.parse(message!.body)).toMatchObject({
        headers: { name: "flow.starting", startId: row.start_id, revision: 1 },
        payload: { id: active, kind },
      });
      expect(row.status).toBe("active");
      expect(await outboxOf(inactive)).toEqual([]);
      expect(chores.bodies).toEqual([{ headers: { name: "flow.wake" }, payload: { ids: [active] } }]);
    },
  );
});

describe("a dry run", () => {
  it("says what would become of each, and writes nothing", async () => {
    const here = originalFlow(owner);
    await sent(root, [here], { imported: 1 });
    const before = await wholeRow(idOf(here));
    const fresh = originalFlow(owner, { status: "starting" });
    const lines = [here, { ...here, name: "Newer", updatedAt: later }, { ...here, name: "Other" }, fresh];
    const chores = recordChores();
    const dry = { query: { dryRun: "true" }, env: chores.env };
    await sent(root, lines, { imported: 1, updated: 1, unchanged: 1, kept: 1 }, dry);
    expect([await wholeRow(idOf(here)), await wholeRow(idOf(fresh)), chores.bodies]).toEqual([before, null, []]);
  });
});

it("stores large flows beside small ones, each once", async () => {
  const mine = await someone();
  const large = (changed: object) => originalFlow(mine, { flowSettings: { text: '"\\'.repeat(240_000) }, ...changed });
  const lines = [originalFlow(mine), large({}), originalFlow(mine), large({ status: "active" }), originalFlow(mine)];
  await sent(root, lines, { imported: 5 });
  expect(idsOf(await pageOf(mine, "fields=id"))).toEqual(lines.map(idOf));
  await sent(root, lines, { unchanged: 5 });
  await sent(root, [large({ _id: lines[1]!["_id"], name: "Newer", updatedAt: later })], { updated: 1 });
});

it("takes an array, pretty or not, as well as lines", async () => {
  const lines = [originalFlow(owner), originalFlow(owner), originalFlow(owner)];
  const headers = { "content-type": "application/json" };
  const answer = await send(root, JSON.stringify(lines.slice(0, 2), null, "\t"), { headers });
  expect(answer.body.data).toMatchObject({ read: 2, imported: 2 });
  expect((await send(root, JSON.stringify(lines), { headers })).body.data).toMatchObject({ imported: 1, unchanged: 2 });
});

it("takes what is packed", async () => {
  const packed = new Blob([ndjson([originalFlow(owner)])]).stream().pipeThrough(new CompressionStream("gzip"));
  const headers = { "content-type": "application/x-ndjson", "content-encoding": "gzip" };
  const answer = await root.call("importFlows", { raw: await new Response(packed).arrayBuffer(), headers });
  expect(answer.body.data).toMatchObject({ read: 1, imported: 1 });
});
