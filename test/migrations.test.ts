import { applyD1Migrations, reset, type D1Migration } from "cloudflare:test";
import { env } from "cloudflare:workers";
import * as fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";

import { newId } from "./support/given.ts";

const migrations = (env as unknown as { MIGRATIONS: D1Migration[] }).MIGRATIONS;

type Row = Readonly<Record<string, unknown>>;

const rowsOf = async (query: string): Promise<Row[]> => (await env.DB.prepare(query).all<Row>()).results;

const schema = (): Promise<Row[]> =>
  rowsOf("SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY name");

const ownersOf = async (flowId: string): Promise<unknown[]> =>
  (await rowsOf("SELECT flow_id, owner_id FROM flow_owners ORDER BY owner_id"))
    .filter((row) => row["flow_id"] === flowId)
    .map((row) => row["owner_id"]);

interface Owner {
  readonly id: string;
  readonly type: string;
}

const documentOf = (owners: readonly Owner[], name = "A flow"): string =>
  JSON.stringify({ name, graph: { nodes: [{ id: "step_1" }], edges: [] }, owners });

const insert = (id: string, document: string) =>
  env.DB.prepare(
    `INSERT INTO flows (id, document, search_text, revision, created_at, updated_at, status, status_seq, tries)
     VALUES (?, ?, 'a flow', 1, 1, 1, 'inactive', 0, 0)`,
  ).bind(id, document);

const edit = (id: string, document: string) =>
  env.DB.prepare("UPDATE flows SET document = ?, revision = revision + 1 WHERE id = ?").bind(document, id);

const remove = (id: string) => env.DB.prepare("DELETE FROM flows WHERE id = ?").bind(id);

beforeEach(() => reset());

describe("the migrations", () => {
  it("keep the rows of every table, one after another", async () => {
    const [first, ...later] = migrations;
    if (first === undefined) throw new Error("There are no migrations.");
    await applyD1Migrations(env.DB, [first]);
    const id = newId();
    await env.DB.batch([
      insert(id, documentOf([{ id: "alice", type: "user" }])),
      env.DB.prepare("INSERT OR IGNORE INTO flow_owners (owner_id, flow_id) VALUES ('alice', ?)").bind(id),
      env.DB.prepare("INSERT INTO outbox (flow_id, queue, body, created_at) VALUES (?, 'notices', '{}', 1)").bind(id),
      env.DB.prepare("INSERT INTO dead_letters (id, queue, body, reason, received_at) VALUES ('d', 'q', '{}', 'r', 1)"),
    ]);
    const tables = ["flows", "flow_owners", "outbox", "dead_letters"];
    const contents = () => Promise.all(tables.map((table) => rowsOf(`SELECT * FROM ${table}`)));
    const before = await contents();
    expect(before.map((rows) => rows.length)).toEqual([1, 1, 1, 1]);
    for (const index of later.keys()) {
      await applyD1Migrations(env.DB, migrations.slice(0, index + 2));
      expect(await contents()).toMatchObject(before);
    }
  });

  it("change nothing when they are applied again", async () => {
    await applyD1Migrations(env.DB, migrations);
    const once = await schema();
    await applyD1Migrations(env.DB, migrations);
    expect(await schema()).toEqual(once);
  });

  it("delete nothing by way of a foreign key", async () => {
    await applyD1Migrations(env.DB, migrations);
    expect(await rowsOf("SELECT name FROM sqlite_master WHERE sql LIKE '%ON DELETE CASCADE%'")).toEqual([]);
  });
});

describe("the table of owners", () => {
  beforeEach(() => applyD1Migrations(env.DB, migrations));

  const alice = { id: "alice", type: "user" };
  const bob = { id: "bob", type: "user" };
  const acme = { id: "acme", type: "tenant" };

  it.each([
    ["an insert with two owners", [insert("f", documentOf([alice, acme]))], ["acme", "alice"]],
    ["an insert without owners", [insert("f", documentOf([]))], []],
    ["one owner named twice", [insert("f", documentOf([alice, { ...alice, type: "tenant" }]))], ["alice"]],
    ["an added owner", [insert("f", documentOf([alice])), edit("f", documentOf([alice, bob]))], ["alice", "bob"]],
    ["an owner taken away", [insert("f", documentOf([alice, bob])), edit("f", documentOf([bob]))], ["bob"]],
    ["other owners", [insert("f", documentOf([alice])), edit("f", documentOf([bob, acme]))], ["acme", "bob"]],
    ["the last owner taken away", [insert("f", documentOf([alice])), edit("f", documentOf([]))], []],
    [
      "owners in another order",
      [insert("f", documentOf([alice, bob])), edit("f", documentOf([bob, alice]))],
      ["alice", "bob"],
    ],
    ["an edit of something else", [insert("f", documentOf([alice])), edit("f", documentOf([alice], "B"))], ["alice"]],
    ["a deletion", [insert("f", documentOf([alice, acme])), remove("f")], []],
    [
      "a deletion and the same id again",
      [insert("f", documentOf([alice])), remove("f"), insert("f", documentOf([bob]))],
      ["bob"],
    ],
  ])("follows %s", async (_, statements, owners) => {
    await env.DB.batch([insert("another", documentOf([alice, bob, acme])), ...statements]);
    expect(await ownersOf("f")).toEqual(owners);
    expect(await ownersOf("another")).toEqual(["acme", "alice", "bob"]);
  });

  it("follows a statement about many flows", async () => {
    const ids = ["f1", "f2", "f3"];
    await env.DB.batch(ids.map((id) => insert(id, documentOf([alice, bob]))));
    await env.DB.prepare("UPDATE flows SET document = json_set(document, '$.owners', json(?))")
      .bind(JSON.stringify([acme]))
      .run();
    expect(await rowsOf("SELECT DISTINCT owner_id FROM flow_owners")).toEqual([{ owner_id: "acme" }]);
    await env.DB.prepare("DELETE FROM flows WHERE id <> 'f2'").run();
    expect(await rowsOf("SELECT owner_id, flow_id FROM flow_owners")).toEqual([{ owner_id: "acme", flow_id: "f2" }]);
  });

  it("says what the documents say after any edits", async () => {
    const flow = fc.constantFrom("f1", "f2", "f3");
    const owners = fc.array(
      fc.record({ id: fc.constantFrom("a", "b", "c", "d"), type: fc.constantFrom("user", "tenant") }),
      { maxLength: 5 },
    );
    const change = fc.oneof(
      fc.record({ verb: fc.constant("insert"), flow, owners }),
      fc.record({ verb: fc.constant("edit"), flow, owners }),
      fc.record({ verb: fc.constant("remove"), flow, owners: fc.constant([]) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 15 }), async (changes) => {
        await env.DB.prepare("DELETE FROM flows").run();
        const kept = new Map<string, readonly Owner[]>();
        const statements = changes.flatMap(({ verb, flow: id, owners: wanted }) => {
          if (verb === "remove") {
            kept.delete(id);
            return [remove(id)];
          }
          if ((verb === "insert") === kept.has(id)) return [];
          kept.set(id, wanted);
          return [verb === "insert" ? insert(id, documentOf(wanted)) : edit(id, documentOf(wanted))];
        });
        if (statements.length > 0) await env.DB.batch(statements);
        const expected = [...kept].flatMap(([id, all]) => all.map((owner) => `${id} ${owner.id}`));
        const found = await rowsOf("SELECT flow_id || ' ' || owner_id AS pair FROM flow_owners");
        expect(new Set(found.map((row) => row["pair"]))).toEqual(new Set(expected));
      }),
      { numRuns: 50 },
    );
  });
});
