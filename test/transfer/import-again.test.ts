import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";

import type { Caller } from "../support/api.ts";
import { expectDerived } from "../support/derived.ts";
import { databaseWith } from "../support/faults.ts";
import { admin, flowOf, newId, outboxOf, someone } from "../support/given.ts";
import { recordChores } from "../support/many.ts";
import { idsOf, pageOf } from "../support/pages.ts";
import { exported, getFlow, idOf, originalFlow, send, sent, wholeRow } from "./given.ts";

let root: Caller;
let owner: Caller;
beforeAll(async () => {
  root = await admin();
  owner = await someone();
});

const later = { $date: "2024-03-01T00:00:00.000Z" };

describe("what is imported again", () => {
  it("and is the same stays as it is", async () => {
    const lines = [originalFlow(owner), originalFlow(owner, { status: "active" })];
    await sent(root, lines, { imported: 2 });
    const before = await Promise.all(lines.map((line) => wholeRow(idOf(line))));
    await sent(root, lines, { unchanged: 2 });
    expect(await Promise.all(lines.map((line) => wholeRow(idOf(line))))).toEqual(before);
  });

  it("and is newer becomes the next revision, status and owners too", async () => {
    const other = await someone();
    const line = originalFlow(owner);
    const id = idOf(line);
    await sent(root, [line], { imported: 1 });
    const newer = { ...originalFlow(other), _id: line["_id"], name: "Newer", status: "active", updatedAt: later };
    await sent(root, [newer], { updated: 1 });
    const row = (await wholeRow(id))!;
    expect(row).toMatchObject({
      revision: 2,
      status: "active",
      status_seq: 0,
      started_by: other.sub,
      revised_by: null,
    });
    expect([row.created_at, row.updated_at]).toEqual([Date.parse("2024-01-02T03:04:05.678Z"), Date.parse(later.$date)]);
    expect((await getFlow(owner, id)).status).toBe(404);
    expect((await getFlow(other, id)).body.data.name).toBe("Newer");
    const before = await other.call("getFlowRevision", { params: { id, revision: "1" } });
    expect(before.body.data.document.name).toBe("Contacts to the CRM");
    await sent(root, [newer], { unchanged: 1 });
    await expectDerived();
  });

  it("and was edited here later stays as it is here", async () => {
    const line = originalFlow(owner);
    const id = idOf(line);
    await sent(root, [line], { imported: 1 });
    await owner.call("updateFlow", { params: { id }, body: { name: "Here" } });
    await sent(root, [{ ...line, name: "There", updatedAt: later }], { kept: 1 });
    expect((await getFlow(owner, id)).body.data).toMatchObject({ name: "Here", revision: 2 });
  });

  it("and was started here keeps its status, however new the line is", async () => {
    const line = originalFlow(owner);
    const id = idOf(line);
    await sent(root, [line], { imported: 1 });
    await owner.call("startFlow", { params: { id } });
    const newest = { ...line, status: "inactive", name: "Newest", updatedAt: { $date: "2090-01-01T00:00:00Z" } };
    await sent(root, [newest], { kept: 1 });
    expect(await wholeRow(id)).toMatchObject({ status: "starting", revision: 1 });
  });

  it.each(["starting", "stopping"] as const)(
    "and is %s here stays so, as its command may be on its way",
    async (status) => {
      const line = originalFlow(owner);
      const id = idOf(line);
      const quiet = { env: recordChores().env };
      await sent(root, [line], { imported: 1 }, quiet);
      const waiting = { ...line, status, updatedAt: later };
      await sent(root, [waiting], { updated: 1 }, quiet);
      const before = await wholeRow(id);
      expect(before).toMatchObject({ status, status_seq: 0, tries: 1 });
      const newest = { $date: "2024-04-01T00:00:00.000Z" };
      for (const other of ["inactive", "active", "starting", "stopping"]) {
        await sent(root, [{ ...line, name: "Newest", status: other, updatedAt: newest }], { kept: 1 }, quiet);
      }
      await sent(root, [waiting], { unchanged: 1 }, quiet);
      expect(await wholeRow(id)).toEqual(before);
    },
  );

  it("and becomes starting here between reading and writing stays so", async () => {
    const line = originalFlow(owner);
    const id = idOf(line);
    await sent(root, [line], { imported: 1 });
    let acts = 0;
    const DB = databaseWith(async ({ sql, run }) => {
      if (sql.some((text) => text.startsWith("UPDATE flows")) && (acts += 1) === 1) {
        await env.DB.prepare("UPDATE flows SET status = 'starting' WHERE id = ?").bind(id).run();
      }
      return run();
    });
    await sent(root, [{ ...line, name: "There", updatedAt: later }], { kept: 1 }, { env: { DB } });
    expect([acts, (await wholeRow(id))!.status]).toEqual([1, "starting"]);
  });

  it("keeps as many revisions as the setting says", async () => {
    const line = originalFlow(owner);
    const id = idOf(line);
    const setting = { env: { REVISION_LIMIT: "2" } };
    await sent(root, [line], { imported: 1 });
    for (let day = 1; day <= 4; day += 1) {
      const updatedAt = { $date: `2024-03-0${day}T00:00:00Z` };
      await sent(root, [{ ...line, name: `Day ${day}`, updatedAt }], { updated: 1 }, setting);
    }
    const { data } = (await owner.call("getFlowRevisions", { params: { id } })).body;
    expect(data.map(({ revision }: { revision: number }) => revision)).toEqual([5, 4, 3]);
  });

  it("in one file is judged line after line", async () => {
    const line = originalFlow(owner);
    const newer = { ...line, name: "Newer", updatedAt: later };
    await sent(root, [line, line, newer, line], { imported: 1, unchanged: 1, updated: 1, kept: 1 });
    expect((await getFlow(owner, idOf(line))).body.data).toMatchObject({ name: "Newer", revision: 2 });
  });

  it("takes over an export that is newer, with the number of its revision", async () => {
    const id = await flowOf(owner);
    const [line] = (await exported(owner)).split("\n").flatMap((text) => {
      const one = text === "" ? {} : (JSON.parse(text) as Record<string, unknown>);
      return one["id"] === id ? [one] : [];
    });
    await sent(root, [line!], { unchanged: 1 });
    const updatedAt = new Date(Date.now() + 1000).toISOString();
    await sent(root, [{ ...line, name: "Newer", revision: 9, revisionNote: "Ninth.", updatedAt }], { updated: 1 });
    expect(await wholeRow(id)).toMatchObject({ revision: 9, revision_note: "Ninth." });
  });
});

const at = (ms: number) => ({ createdAt: { $date: ms } });

describe("places in the order of creation", () => {
  it("are those of the file for flows of the same millisecond, behind those that are there", async () => {
    const mine = await someone();
    const ms = Date.UTC(2023, 1, 1);
    const lines = Array.from({ length: 6 }, () => originalFlow(mine, at(ms)));
    await sent(root, lines.slice(0, 2), { imported: 2 });
    await sent(root, lines.slice(2), { imported: 4 });
    expect(idsOf(await pageOf(mine, ""))).toEqual(lines.map(idOf));
    const places = await Promise.all(lines.map(async (line) => (await wholeRow(idOf(line)))!.pos));
    expect(places).toEqual(lines.map((_, nth) => ms * 1024 + nth));
  });

  it("go on in the next millisecond that has room where one is full", async () => {
    const mine = await someone();
    const ms = Date.UTC(2023, 1, 2);
    const lines = Array.from({ length: 1030 }, () => originalFlow(mine, at(ms)));
    const behind = [originalFlow(mine, at(ms + 1)), originalFlow(mine, at(ms + 1))];
    await sent(root, behind, { imported: 2 });
    await sent(root, lines, { imported: 1030 });
    const { results } = await env.DB.prepare("SELECT id, pos FROM flows WHERE pos >= ? AND pos < ? ORDER BY pos")
      .bind(ms * 1024, (ms + 5) * 1024)
      .all<{ id: string; pos: number }>();
    expect(results.map(({ id }) => id)).toEqual([
      ...lines.slice(0, 1024).map(idOf),
      ...behind.map(idOf),
      ...lines.slice(1024).map(idOf),
    ]);
    expect(results.at(-1)!.pos).toBe((ms + 1) * 1024 + 7);
  });

  it("that a creation takes meanwhile are given anew", async () => {
    const ms = Date.UTC(2023, 1, 3);
    const lines = [originalFlow(owner, at(ms)), originalFlow(owner, at(ms))];
    const rival = originalFlow(owner, at(ms));
    let rivals = 0;
    const DB = databaseWith(async ({ sql, run }) => {
      if (sql.some((text) => text.startsWith("INSERT INTO flows")) && (rivals += 1) === 1) {
        await sent(root, [rival], { imported: 1 });
      }
      return run();
    });
    await sent(root, lines, { imported: 2 }, { env: { DB } });
    expect(rivals).toBe(2);
    const places = await Promise.all([rival, ...lines].map(async (line) => (await wholeRow(idOf(line)))!.pos));
    expect(places).toEqual([0, 1, 2].map((nth) => ms * 1024 + nth));
  });
});

describe("imports at the same time", () => {
  it("of the same flows store each once", async () => {
    const mine = await someone();
    const lines = Array.from({ length: 40 }, () => originalFlow(mine));
    const answers = await Promise.all([send(root, lines), send(root, lines.toReversed()), send(root, lines)]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    const counts = answers.map(({ body }) => body.data as Record<string, number>);
    expect(counts.reduce((sum, { imported }) => sum + imported!, 0)).toBe(40);
    expect(counts.reduce((sum, { unchanged }) => sum + unchanged!, 0)).toBe(80);
    expect((await pageOf(mine, "page[size]=100")).body.meta.total).toBe(40);
    await expectDerived();
  });

  it.each<[string, (id: string) => Promise<unknown>, object, object]>([
    [
      "an edit",
      (id) => owner.call("updateFlow", { params: { id }, body: { name: "Here" } }),
      { kept: 1 },
      { revision: 2, status: "inactive" },
    ],
    ["a start", (id) => owner.call("startFlow", { params: { id } }), { kept: 1 }, { revision: 1, status: "starting" }],
    [
      "a deletion",
      (id) => owner.call("deleteFlow", { params: { id } }),
      { imported: 1 },
      { revision: 1, status: "inactive" },
    ],
  ])("and %s between reading and writing lose nothing", async (_, act, counts, row) => {
    const line = originalFlow(owner);
    const id = idOf(line);
    await sent(root, [line], { imported: 1 });
    let acts = 0;
    const DB = databaseWith(async ({ sql, run }) => {
      if (sql.some((text) => text.startsWith("UPDATE flows")) && (acts += 1) === 1) await act(id);
      return run();
    });
    await sent(root, [{ ...line, name: "There", updatedAt: later }], counts, { env: { DB } });
    expect(acts).toBe(1);
    expect(await wholeRow(id)).toMatchObject(row);
  });
});

it("an id that another import takes meanwhile is judged anew", async () => {
  const line = originalFlow(owner);
  const rival = { ...line, createdAt: { $date: "2020-01-01T00:00:00Z" }, name: "Rival", updatedAt: later };
  let rivals = 0;
  const DB = databaseWith(async ({ sql, run }) => {
    if (sql.some((text) => text.startsWith("INSERT INTO flows")) && (rivals += 1) === 1) {
      await sent(root, [rival], { imported: 1 });
    }
    return run();
  });
  await sent(root, [line, originalFlow(owner)], { imported: 1, kept: 1 }, { env: { DB } });
  expect((await getFlow(owner, idOf(line))).body.data).toMatchObject({ name: "Rival", revision: 1 });
});

it("a command goes out only for what was written", async () => {
  const workflow = { name: `w${newId()}`, access: "public", commands: [{ command: "success" }] };
  const base = { id: newId(), kind: "workflow", workflow, status: "active", owners: [{ id: owner.sub, type: "user" }] };
  const line = { ...base, createdAt: "2024-01-01T00:00:00Z", startId: "start" };
  const { env: quiet } = recordChores();
  await sent(root, [line], { imported: 1 }, { env: quiet });
  await env.DB.prepare("DELETE FROM outbox WHERE flow_id = ?").bind(base.id).run();
  let saves = 0;
  const DB = databaseWith(async ({ sql, run }) => {
    if (sql.some((text) => text.startsWith("UPDATE flows")) && (saves += 1) === 1) {
      const save = "UPDATE flows SET revision = revision + 1, updated_at = 4e12 WHERE id = ?";
      await env.DB.prepare(save).bind(base.id).run();
    }
    return run();
  });
  const newer = { ...line, name: "Newer", updatedAt: "2025-01-01T00:00:00Z" };
  await sent(root, [newer], { kept: 1 }, { env: { ...quiet, DB } });
  expect([saves, await outboxOf(base.id)]).toEqual([1, []]);
});

describe("a storage that fails in the middle", () => {
  it("leaves what was written, and the same again completes it", async () => {
    const mine = await someone();
    const lines = Array.from({ length: 600 }, () => originalFlow(mine));
    let writes = 0;
    const DB = databaseWith(({ sql, run }) => {
      const isWrite = sql.some((text) => text.startsWith("INSERT INTO flows"));
      if (isWrite && (writes += 1) === 2) throw new Error("D1_ERROR: the network connection was lost");
      return run();
    });
    const answer = await send(root, lines, { env: { DB } });
    expect(answer).toMatchObject({ status: 503, body: { errors: [{ error: "STORAGE_UNAVAILABLE" }] } });
    expect((await pageOf(mine, "page[size]=1")).body.meta.total).toBe(250);
    await sent(root, lines, { imported: 350, unchanged: 250 });
  });

  it("and loses only its answer has written all the same", async () => {
    const lines = [originalFlow(owner, { status: "active" })];
    const DB = databaseWith(async ({ sql, run }) => {
      const done = await run();
      if (sql.some((text) => text.startsWith("INSERT INTO flows"))) throw new Error("D1_ERROR: the answer was lost");
      return done;
    });
    expect((await send(root, lines, { env: { DB } })).status).toBe(503);
    await sent(root, lines, { unchanged: 1 });
  });
});
