import { applyD1Migrations, reset, type D1Migration } from "cloudflare:test";
import { env } from "cloudflare:workers";
import * as fc from "fast-check";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";

import type { FlowDocument } from "../src/flows/model.ts";
import { homeOf } from "../src/flows/owners.ts";
import { searchTextOf } from "../src/flows/search-text.ts";
import { expectDerived, rowsOf, type Status } from "./support/derived.ts";
import { OWNERSHIP } from "./support/given.ts";

const { MIGRATIONS } = env as unknown as { MIGRATIONS: D1Migration[] };

type Owner = FlowDocument["owners"][number];
interface Told {
  readonly owners: readonly Owner[];
  readonly name?: string | null;
  readonly type?: string | null;
  readonly fromTemplate?: string | null;
  readonly componentId?: string | null;
}

const documentOf = ({ owners, componentId, ...told }: Told): FlowDocument => ({
  graph: { nodes: [{ id: "step_1", componentId, function: undefined }], edges: [] },
  ...told,
  owners: [...owners],
});

let places = 0;

const insert = (id: string, told: Told, status: Status = "inactive", home?: string) => {
  const document = documentOf(told);
  const owner = home ?? homeOf(document.owners);
  return env.DB.prepare(
    `INSERT INTO flows (pos, id, home, document, search_text, revision, revised_at, revised_by, revision_note, created_at, updated_at, status, status_seq, tries)
     VALUES (?, ?, ?, ?, ?, 1, 1, 'alice', 'Created.', 1, 1, ?, 0, 0)`,
  ).bind((places += 1), id, owner, JSON.stringify(document), searchTextOf(document, owner), status);
};

const edit = (id: string, told: Told, status?: Status) => {
  const document = documentOf(told);
  const home = homeOf(document.owners);
  return env.DB.prepare(
    `UPDATE flows SET home = ?2, document = ?3, search_text = ?4, revision = revision + 1, revised_at = 2, revised_by = NULL,
       revision_note = 'Edited.', status = coalesce(?5, status) WHERE id = ?1`,
  ).bind(id, home, JSON.stringify(document), searchTextOf(document, home), status ?? null);
};

const move = (id: string, status: Status) =>
  env.DB.prepare("UPDATE flows SET status = ?2, status_seq = status_seq + 1 WHERE id = ?1").bind(id, status);

const remove = (id: string) => env.DB.prepare("DELETE FROM flows WHERE id = ?").bind(id);

const ownersOf = async (id: string): Promise<unknown[]> =>
  (await rowsOf(`SELECT owner_id FROM ${OWNERSHIP} WHERE flow_id = ? ORDER BY owner_id`, id)).map(
    (row) => row["owner_id"],
  );

beforeAll(async () => {
  await reset();
  await applyD1Migrations(env.DB, MIGRATIONS);
});
beforeEach(async () => {
  await env.DB.prepare("DELETE FROM flows").run();
});

const alice = { id: "alice", type: "user" };
const bob = { id: "bob", type: "user" };
const acme = { id: "acme", type: "tenant" };
const beta = { id: "beta", type: "tenant" };
const of = (...owners: Owner[]): Told => ({ owners });

describe("the tables of owners", () => {
  it.each([
    ["an insert with two owners", [insert("f", of(alice, acme))], ["acme", "alice"]],
    ["an insert without owners", [insert("f", of())], []],
    ["one owner named twice", [insert("f", of(alice, { ...alice, type: "tenant" }))], ["alice"]],
    ["another owner named twice", [insert("f", of(alice, acme, bob, alice, bob))], ["acme", "alice", "bob"]],
    ["an added owner", [insert("f", of(alice)), edit("f", of(alice, bob))], ["alice", "bob"]],
    ["an added tenant", [insert("f", of(alice, bob)), edit("f", of(alice, bob, acme))], ["acme", "alice", "bob"]],
    ["an owner taken away", [insert("f", of(alice, bob)), edit("f", of(bob))], ["bob"]],
    ["a tenant taken away", [insert("f", of(acme, alice)), edit("f", of(alice))], ["alice"]],
    [
      "a tenant that is no longer one",
      [insert("f", of(alice, acme)), edit("f", of(alice, { ...acme, type: "x" }))],
      ["acme", "alice"],
    ],
    ["another tenant before it", [insert("f", of(acme)), edit("f", of(beta, acme))], ["acme", "beta"]],
    ["other owners", [insert("f", of(alice)), edit("f", of(bob, acme))], ["acme", "bob"]],
    ["the last owner taken away", [insert("f", of(alice)), edit("f", of())], []],
    ["the first owner given", [insert("f", of()), edit("f", of(alice, acme))], ["acme", "alice"]],
    ["owners in another order", [insert("f", of(alice, bob)), edit("f", of(bob, alice))], ["alice", "bob"]],
    ["an edit of something else", [insert("f", of(alice)), edit("f", { owners: [alice], name: "B" })], ["alice"]],
    ["a deletion", [insert("f", of(alice, acme)), remove("f")], []],
    ["a deletion and the same id again", [insert("f", of(alice)), remove("f"), insert("f", of(bob))], ["bob"]],
  ])("follow %s", async (_, statements, owners) => {
    await env.DB.batch([insert("another", of(alice, bob, acme)), ...statements]);
    expect(await ownersOf("f")).toEqual(owners);
    expect(await ownersOf("another")).toEqual(["acme", "alice", "bob"]);
    await expectDerived();
  });

  it("follow a statement about many flows", async () => {
    const ids = ["f1", "f2", "f3"];
    await env.DB.batch(ids.map((id) => insert(id, of(alice, bob))));
    const document = documentOf(of(acme, bob));
    await env.DB.prepare(
      "UPDATE flows SET home = 'acme', document = json_set(document, '$.owners', json(?)), search_text = ?",
    )
      .bind(JSON.stringify([acme, bob]), searchTextOf(document, "acme"))
      .run();
    expect(await rowsOf(`SELECT DISTINCT owner_id FROM ${OWNERSHIP} ORDER BY owner_id`)).toEqual([
      { owner_id: "acme" },
      { owner_id: "bob" },
    ]);
    await expectDerived();
    await env.DB.prepare("DELETE FROM flows WHERE id <> 'f2'").run();
    expect(await ownersOf("f2")).toEqual(["acme", "bob"]);
    expect(await rowsOf(`SELECT DISTINCT flow_id FROM ${OWNERSHIP}`)).toEqual([{ flow_id: "f2" }]);
    await expectDerived();
  });
});

describe("a home that is not the first tenant, or the first owner where there is none,", () => {
  const refused = /home must be the first tenant among the owners, or the first owner/;

  it.each<[string, Owner[], string]>([
    ["another owner", [alice, bob], "bob"],
    ["the user before the tenant", [alice, acme], "alice"],
    ["the second tenant", [acme, beta], "beta"],
    ["a stranger", [alice], "mallory"],
    ["anybody of a flow without owners", [], "alice"],
  ])("is refused in an insert: %s", async (_, owners, home) => {
    await expect(insert("f", of(...owners), "inactive", home).run()).rejects.toThrow(refused);
    expect(await rowsOf("SELECT id FROM flows")).toEqual([]);
    await expectDerived();
  });

  it.each<[string, string]>([
    ["a home alone", "home = 'bob'"],
    ["no home", "home = NULL"],
    ["owners alone", `document = json_set(document, '$.owners', json('[{"id":"bob","type":"user"}]'))`],
    ["no owners", "document = json_set(document, '$.owners', json('[]'))"],
    ["both, but not alike", `home = 'alice', document = json_set(document, '$.owners[0].type', 'user')`],
  ])("is refused in an edit: %s", async (_, change) => {
    await insert("f", of(acme, bob)).run();
    await expect(env.DB.prepare(`UPDATE flows SET ${change}`).run()).rejects.toThrow(refused);
    expect(await ownersOf("f")).toEqual(["acme", "bob"]);
    await expectDerived();
  });
});

type Change =
  | { verb: "insert" | "edit" | "edit and move"; flow: string; told: Told; status: Status }
  | { verb: "remove"; flow: string }
  | { verb: "touch"; flow: string }
  | { verb: "move"; flow: string; status: Status };

const flow = fc.constantFrom("f1", "f2", "f3", "f4");
const status = fc.constantFrom<Status>("inactive", "starting", "active", "stopping");
const told: fc.Arbitrary<Told> = fc.record(
  {
    owners: fc.array(fc.record({ id: fc.constantFrom("a", "b", "ç", "😀"), type: fc.constantFrom("user", "tenant") }), {
      maxLength: 5,
    }),
    name: fc.constantFrom(null, "Name", "Nämé 😀"),
    type: fc.constantFrom(null, "ordinary", "größer", "😀"),
    fromTemplate: fc.constantFrom(null, "5ca5c44c187c040010a9bb8d", "5ca5c44c187c040010a9bb8e"),
    componentId: fc.constantFrom(null, "timer", "5ca5c44c187c040010a9bb8b", "tïmer😀"),
  },
  { requiredKeys: ["owners"] },
);
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ verb: fc.constantFrom("insert", "edit", "edit and move"), flow, told, status }),
  fc.record({ verb: fc.constant("remove"), flow }),
  fc.record({ verb: fc.constant("touch"), flow }),
  fc.record({ verb: fc.constant("move"), flow, status }),
);

interface Kept {
  readonly id: string;
  readonly documents: string[];
}

/** Statements of the changes that can be made, and what the flows then are and were. */
function plan(changes: readonly Change[]) {
  const kept = new Map<string, Kept>();
  const statements = changes.flatMap((one) => {
    const found = kept.get(one.flow);
    if (one.verb === "insert") {
      if (found !== undefined) return [];
      kept.set(one.flow, { id: one.flow, documents: [JSON.stringify(documentOf(one.told))] });
      return [insert(one.flow, one.told, one.status)];
    }
    if (found === undefined) return [];
    if (one.verb === "remove") return kept.delete(one.flow) ? [remove(one.flow)] : [];
    if (one.verb === "move") return [move(one.flow, one.status)];
    if (one.verb === "touch") return [env.DB.prepare("UPDATE flows SET updated_at = 3 WHERE id = ?").bind(one.flow)];
    found.documents.push(JSON.stringify(documentOf(one.told)));
    return [edit(one.flow, one.told, one.verb === "edit" ? undefined : one.status)];
  });
  return { statements, kept: [...kept.values()] };
}

describe("the tables that follow from the documents", () => {
  it("say what these say after any changes, and every earlier document is kept", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 25 }), async (changes) => {
        await env.DB.prepare("DELETE FROM flows").run();
        const { statements, kept } = plan(changes);
        if (statements.length > 0) await env.DB.batch(statements);
        expect(await rowsOf("SELECT count(*) AS n FROM flows")).toEqual([{ n: kept.length }]);
        await expectDerived();
        const earlier = kept.flatMap(({ id, documents }) =>
          documents.slice(0, -1).map((document, at) => `${id} ${at + 1} ${document}`),
        );
        const found = await rowsOf<{ text: string }>(
          "SELECT flow_id || ' ' || revision || ' ' || document AS text FROM revisions",
        );
        expect(found.map((row) => row.text).toSorted()).toEqual(earlier.toSorted());
        expect(await rowsOf("SELECT count(*) AS n FROM revisions")).toEqual([{ n: earlier.length }]);
      }),
      { numRuns: 150 },
    );
  });

  it("keep of a replaced document when, by whom and why it was made", async () => {
    await env.DB.batch([insert("f", of(alice)), edit("f", of(bob)), move("f", "active"), edit("f", of(acme))]);
    expect(
      await rowsOf("SELECT revision, revised_at, revised_by, revision_note FROM revisions ORDER BY revision"),
    ).toEqual([
      { revision: 1, revised_at: 1, revised_by: "alice", revision_note: "Created." },
      { revision: 2, revised_at: 2, revised_by: null, revision_note: "Edited." },
    ]);
    await remove("f").run();
    expect(await rowsOf("SELECT count(*) AS n FROM revisions")).toEqual([{ n: 0 }]);
  });
});
