import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";

import type { Caller } from "../support/api.ts";
import { admin, flowOf, newId, someone } from "../support/given.ts";
import { brokenDatabase } from "../support/faults.ts";
import { flowsOf } from "../support/many.ts";
import { wire } from "../support/wire.ts";
import { edit, instanceOf, orders, templateOf } from "../templates/given.ts";
import { exported, originalFlow, sent, type Line } from "./given.ts";

let root: Caller;
beforeAll(async () => {
  root = await admin();
});

const linesIn = (text: string): Line[] =>
  text.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as Line]));
const idsIn = (text: string): unknown[] => linesIn(text).map(({ id }) => id);

/** Which templates stand in an export, and whether with what they were before. */
const marked = async (caller: Caller): Promise<string[]> =>
  linesIn(await exported(caller, "templates"))
    .map((line) => [String(line["id"] ?? line["revisionsOf"]), "revisions" in line].join())
    .toSorted();

const large = (nth: number) => ({ flowSettings: `${nth}`.repeat(900_000) });

describe("an export of flows", () => {
  it("tells what the caller and the tenant own in the order of creation, and nothing else", async () => {
    const [mine, theirs] = [await someone(), await someone()];
    const colleague = await someone({ tenant: mine.tenant! });
    const shared = { owners: [{ id: mine.sub, type: "user" }] };
    const ids = [await flowOf(mine), await flowOf(colleague)];
    await flowOf(theirs);
    const given = originalFlow(theirs, {
      ...shared,
      owners: [{ id: theirs.tenant, type: "tenant" }, ...shared.owners],
    });
    await sent(root, [given], { imported: 1 });
    const older = (given["_id"] as { $oid: string }).$oid;
    expect(idsIn(await exported(mine))).toEqual([older, ...ids]);
    expect(idsIn(await exported(colleague))).toEqual(ids);
    expect(idsIn(await exported(await someone()))).toEqual([]);
    expect(idsIn(await exported(root))).toEqual(expect.arrayContaining([...ids, older]));
  });

  it("tells all of a flow that an import needs, in the form that the route declares", async () => {
    const mine = await someone();
    const id = await flowOf(mine);
    const start = newId();
    await env.DB.prepare(
      "UPDATE flows SET status = 'active', status_seq = 2, start_id = ?, started_by = ?, started_in = ?, started_at = 5, last_error = ? WHERE id = ?",
    )
      .bind(
        start,
        mine.sub,
        mine.tenant,
        JSON.stringify({ code: "FLOW_FAILED", reason: "x", at: "2026-11-22T00:00:00.000Z" }),
        id,
      )
      .run();
    const { body } = await mine.call("exportFlows");
    const all = linesIn(await exported(root)).find((line) => line["id"] === id);
    expect(all).toEqual({ ...body[0], startId: start, startedIn: mine.tenant });
    expect(Object.keys(body[0] as object)).not.toEqual(expect.arrayContaining(["startId"]));
    expect(Object.keys(body[0] as object)).not.toEqual(expect.arrayContaining(["startedIn"]));
    expect(body).toMatchObject([
      {
        id,
        status: "active",
        revision: 1,
        revisionNote: "Created.",
        statusSeq: 2,
        startedBy: mine.sub,
        startedAt: "1970-01-01T00:00:00.005Z",
        lastError: { code: "FLOW_FAILED" },
      },
    ]);
    expect(Object.keys(body[0] as object).slice(0, 2)).toEqual(["id", "status"]);
  });

  it("tells an instance without the graph of its template", async () => {
    const mine = await someone();
    const template = await templateOf(mine);
    const id = await instanceOf(mine, template);
    const [line] = (await mine.call("exportFlows")).body as Line[];
    expect(line).toMatchObject({ id, fromTemplate: template, instance: { revision: 1 } });
    expect(line).not.toHaveProperty("graph");
    expect(line!["instance"]).not.toHaveProperty("effective");
  });

  it("goes over as many pages as it takes, however large the flows are", async () => {
    const mine = await someone();
    const ids = [
      ...(await flowsOf(mine, 3)),
      ...(await flowsOf(mine, 8, large)),
      ...(await flowsOf(mine, 1000, () => ({ description: "small" }))),
      ...(await flowsOf(mine, 1, large)),
    ];
    expect(idsIn(await exported(mine))).toEqual(ids);
  });
});

describe("an export of templates", () => {
  it("tells those that the caller may read, with what they were before", async () => {
    const mine = await someone();
    const reader = await someone({ tenant: mine.tenant! });
    const [draft, published] = (await Promise.all([templateOf(mine), templateOf(mine)])).toSorted() as [string, string];
    await edit(mine, published, { status: "published" });
    await edit(mine, draft, { name: "Second" });
    await edit(mine, draft, { name: "Third" });
    const { body } = await mine.call("exportTemplates");
    expect(body).toMatchObject([
      { id: draft, status: "draft", revision: 3, name: "Third", tenant: mine.tenant },
      { id: published, status: "published", revision: 2 },
    ]);
    expect(body[0].revisions).toMatchObject([
      { revision: 1, note: "Created.", document: { name: orders().name } },
      { revision: 2, document: { name: "Second" } },
    ]);
    expect(body[0].revisions[0].document).not.toHaveProperty("owners");
    expect(body[1].revisions).toHaveLength(1);
    expect(idsIn(await exported(reader, "templates"))).toEqual([published]);
    const all = linesIn(await exported(root, "templates")).filter(({ id }) => id === published);
    expect(all).toMatchObject([{ revisions: [{ revision: 1 }] }]);
    expect(idsIn(await exported(await someone(), "templates"))).toEqual([]);
  });

  it("tells what they were before only to whoever may write them", async () => {
    const mine = await someone();
    const reader = await someone({ tenant: mine.tenant! });
    const made = [await templateOf(mine), await templateOf(mine), await templateOf(reader)];
    const [long, short, own] = made as [string, string, string];
    await edit(mine, long, large(0));
    for (let nth = 1; nth < 6; nth += 1) await edit(mine, long, large(nth));
    await edit(reader, own, { name: "Second" });
    for (const id of [long, short]) await edit(mine, id, { name: "Third", status: "published" });
    expect(await marked(reader)).toEqual([`${long},false`, `${short},false`, `${own},true`].toSorted());
    expect(await marked(mine)).toEqual([`${long},true`, `${long},true`, `${short},true`].toSorted());
  });

  it("puts what has no room on a line on further ones, which import back", async () => {
    const mine = await someone();
    const made = [await templateOf(mine), await templateOf(mine)];
    const [first, second] = made.toSorted() as [string, string];
    await edit(mine, first, large(0));
    for (let nth = 1; nth < 7; nth += 1) await edit(mine, first, large(nth));
    await edit(mine, second, { name: "Second" });
    const text = await exported(mine, "templates");
    const lines = linesIn(text) as { id?: string; revisionsOf?: string; revisions: { revision: number }[] }[];
    expect(
      lines.map(({ id, revisionsOf, revisions }) => [id ?? revisionsOf, revisions.map((one) => one.revision)]),
    ).toEqual([
      [first, [1, 2, 3, 4, 5]],
      [first, [6, 7]],
      [second, [1]],
    ]);
    await env.DB.batch(
      ["template_revisions WHERE template_id", "templates WHERE id"].flatMap((place) =>
        [first, second].map((id) => env.DB.prepare(`DELETE FROM ${place} = ?`).bind(id)),
      ),
    );
    await sent(root, lines, { imported: 2, unchanged: 1 }, {}, "importTemplates");
    expect(await exported(mine, "templates")).toBe(text);
    await sent(root, lines.slice(1, 2), { unchanged: 1 }, {}, "importTemplates");
    const orphan = { revisionsOf: newId(), revisions: [] };
    const answer = await root.call("importTemplates", {
      raw: JSON.stringify(orphan),
      headers: { "content-type": "text/plain" },
    });
    expect(answer.body.data.refused).toMatchObject([
      { line: 1, id: orphan.revisionsOf, findings: [{ error: "TEMPLATE_NOT_FOUND" }] },
    ]);
  });
});

describe.each(["/flows/export", "/templates/export"])("%s", (path) => {
  it("is answered to HEAD without a look into the database", async () => {
    const headers = { authorization: root.authorization };
    const answer = await wire("HEAD", path, { headers, env: { DB: brokenDatabase() } });
    expect([answer.status, answer.headers.get("content-type"), await answer.text()]).toEqual([
      200,
      "application/x-ndjson",
      "",
    ]);
  });

  it("answers 503 if the storage fails at once", async () => {
    const answer = await wire("GET", path, {
      headers: { authorization: root.authorization },
      env: { DB: brokenDatabase() },
    });
    expect(answer.status).toBe(503);
  });

  it.each([
    ["POST", 405],
    ["PATCH", 400],
  ])("is nothing to %s", async (method, status) => {
    const headers = { authorization: root.authorization, "content-type": "application/json" };
    const answer = await wire(method, path, { headers, body: "{}" });
    expect(answer.status).toBe(status);
  });
});

/** A database that is gone once so many statements were made. */
function goneAfter(statements: number, real: object = env.DB): object {
  let left = statements;
  const guarded = (target: object): object =>
    new Proxy(target, {
      get(of, key) {
        const value: unknown = Reflect.get(of, key);
        if (typeof value !== "function") return value;
        return (...parameters: unknown[]): unknown => {
          if (key === "withSession") return guarded(Reflect.apply(value, of, parameters) as object);
          if (key === "prepare" && (left -= 1) < 0) throw new Error("D1_ERROR: the network connection was lost");
          return Reflect.apply(value, of, parameters);
        };
      },
    });
  return guarded(real);
}

describe("a storage that fails in the middle of an export", () => {
  it("breaks the stream off, and never ends it as if that was all", async () => {
    const mine = await someone();
    await flowsOf(mine, 8, large);
    const { app } = await import("../../src/app.ts");
    const { createExecutionContext } = await import("cloudflare:test");
    const headers = { authorization: mine.authorization };
    const bindings = { ...env, DB: goneAfter(1) } as unknown as Env;
    const answer = await app.fetch(
      new Request("http://flows.test/flows/export", { headers }),
      bindings,
      createExecutionContext(),
    );
    expect(answer.status).toBe(200);
    const reader = answer.body!.getReader();
    expect((await reader.read()).value!.byteLength).toBeGreaterThan(1_000_000);
    await expect(reader.read()).rejects.toThrow("NO DB");
  });

  it("stops reading when nobody listens any more", async () => {
    const { begun, streamOf } = await import("../../src/transfer/lines.ts");
    let [asked, isOver] = [0, false];
    async function* texts() {
      try {
        for (; ; asked += 1) yield await Promise.resolve("x\n");
      } finally {
        isOver = true;
      }
    }
    const reader = streamOf(await begun(texts())).getReader();
    await reader.read();
    await reader.read();
    await reader.cancel();
    expect([asked, isOver]).toEqual([1, true]);
  });
});
