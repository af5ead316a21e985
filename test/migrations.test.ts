import { applyD1Migrations, reset, type D1Migration } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";

import { foldForSearch, SEARCH_SEPARATOR } from "../src/flows/search-text.ts";
import { expectDerived, marksIn, rowsOf, storedFlows, type Row } from "./support/derived.ts";
import { newId } from "./support/given.ts";

const migrations = (env as unknown as { MIGRATIONS: D1Migration[] }).MIGRATIONS;
/** Those before the tables that scale. */
const first = migrations.slice(0, 2);

const schema = (): Promise<Row[]> =>
  rowsOf("SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY name");

const tables = ["flows", "outbox", "dead_letters"];
const derived = ["flow_shares", "flow_counts", "facet_counts", "revisions", "idempotency"];
const contentsOf = (names: readonly string[]) => Promise.all(names.map((name) => rowsOf(`SELECT * FROM ${name}`)));

const user = (id: string) => ({ id, type: "user" });
const tenant = (id: string) => ({ id, type: "tenant" });
const node = (id: string, more: object = {}) => ({ id, ...more });
const component = newId();
const secret = newId();

/** Documents as the first migrations kept them. */
const documents: Record<string, unknown>[] = [
  { name: "Nobody's", owners: [] },
  { name: "A user's", owners: [user("alice")] },
  { name: "A tenant's behind its user's", owners: [user("alice"), tenant("acme")], type: "ordinary" },
  { name: "Two tenants'", owners: [user("bob"), tenant("beta"), tenant("acme"), user("bob")], type: "ordinary" },
  { name: "One owner's in two roles", owners: [tenant("acme"), user("acme"), user("alice"), user("alice")] },
  { owners: [user("Bärbel 😀"), user("ä")], type: "größer als 中 😀" },
  { name: null, description: null, type: null, fromTemplate: null, cron: null, owners: [user("alice")] },
  { name: "😀".repeat(250), description: "Ⅷ ﬁnde Straße", owners: [tenant("acme")] },
  { name: "a\u001fb", description: "c\u001fd", owners: [tenant("acme")], fromTemplate: component },
  {
    name: "By its steps",
    owners: [tenant("acme")],
    type: "ordinary",
    fromTemplate: newId(),
    graph: {
      nodes: [
        node("a", { componentId: component, credentials_id: secret }),
        node("b", { componentId: component, credentials_id: null }),
        node("c", { componentId: "näme 😀", credentials_id: newId() }),
        node("d", { componentId: null }),
        node("e", { componentId: "x".repeat(64) }),
        node("f", { componentId: "timer" }),
      ],
      edges: [],
    },
  },
];

const whole = (document: Record<string, unknown>) => ({ graph: { nodes: [node("step_1")], edges: [] }, ...document });

const searchText = (document: Record<string, unknown>): string =>
  foldForSearch(
    [document["name"], document["description"]]
      .map((text) => ((text ?? "") as string).replaceAll(SEARCH_SEPARATOR, " "))
      .join(SEARCH_SEPARATOR),
  );

const state = [
  "id",
  "document",
  "revision",
  "created_at",
  "updated_at",
  "status",
  "status_seq",
  "start_id",
  "started_by",
  "started_at",
  "last_error",
  "deadline_at",
  "tries",
] as const;
const statuses = ["inactive", "starting", "active", "stopping"] as const;

/** Rows in every table of the first migrations: each document in each status, several of one millisecond. */
async function fill(): Promise<Record<(typeof state)[number], unknown>[]> {
  const begin = 1_795_000_000_000;
  const rows = documents.flatMap((document, at) =>
    statuses.map((status, n) => ({
      id: newId(),
      document: JSON.stringify(whole(document)),
      revision: 1 + at,
      created_at: begin + Math.floor(at / 3),
      updated_at: begin + 1000 * at,
      status,
      status_seq: n,
      start_id: n === 0 ? null : crypto.randomUUID(),
      started_by: n === 0 ? null : "alice",
      started_at: n === 0 ? null : begin + 10,
      last_error: n === 0 ? '{"code":"FLOW_FAILED","reason":"ü","at":"2026-11-22T04:30:00.000Z"}' : null,
      deadline_at: n % 2 === 0 ? null : begin + 20,
      tries: n % 2,
      text: searchText(document),
    })),
  );
  const insert = env.DB.prepare(
    `INSERT INTO flows (${state.join(", ")}, search_text) VALUES (${state.map(() => "?").join(", ")}, ?)`,
  );
  const message = env.DB.prepare("INSERT INTO outbox (flow_id, queue, body, created_at) VALUES (?, ?, ?, ?)");
  const letter = env.DB.prepare(
    "INSERT INTO dead_letters (id, queue, body, reason, received_at) VALUES (?, ?, ?, ?, ?)",
  );
  await env.DB.batch([
    ...rows.map((row) => insert.bind(...state.map((column) => row[column]), row.text)),
    ...[rows[0]!, rows[1]!, rows[0]!].map(({ id }, n) => message.bind(id, "commands", `{"n":${n}}`, begin + n)),
    message.bind(newId(), "notices", '{"of":"a flow that is gone"}', begin),
    env.DB.prepare("DELETE FROM outbox WHERE id = 2"),
    letter.bind("flow-reports-1", "flow-reports", "null", "Not known.", begin),
  ]);
  return rows;
}

const byId = <T extends Row>(rows: readonly T[]): T[] =>
  rows.toSorted((a, b) => (String(a["id"]) < String(b["id"]) ? -1 : 1));

beforeEach(() => reset());

describe("the migrations", () => {
  it("keep the rows of every table", async () => {
    await applyD1Migrations(env.DB, first);
    const filled = await fill();
    const [, messages, letters] = await contentsOf(tables);
    expect([filled.length, messages!.length, letters!.length]).toEqual([40, 3, 1]);
    await applyD1Migrations(env.DB, migrations);

    expect(byId(await rowsOf(`SELECT ${state.join(", ")} FROM flows`))).toEqual(
      byId(filled).map((row) => Object.fromEntries(state.map((column) => [column, row[column]]))),
    );
    const kept = messages!.map(({ id, ...message }) => ({ ...message, seq: id }));
    expect(kept.map(({ seq }) => seq)).toEqual([1, 3, 4]);
    expect((await rowsOf("SELECT * FROM outbox ORDER BY seq")).map((row) => ({ ...row }))).toEqual(kept);
    expect(await rowsOf("SELECT * FROM dead_letters")).toEqual(letters);
  });

  it("put flows in the order of creation, and of one millisecond in that of their ids", async () => {
    await applyD1Migrations(env.DB, first);
    const filled = await fill();
    await applyD1Migrations(env.DB, migrations);
    const placed = await rowsOf<{ id: string; pos: number; created_at: number }>("SELECT * FROM flows ORDER BY pos");
    const order = byId(filled).toSorted((a, b) => Number(a.created_at) - Number(b.created_at));
    expect(placed.map(({ id }) => id)).toEqual(order.map(({ id }) => id));
    const numbers = new Map<number, number>();
    for (const { pos, created_at: created } of placed) {
      const number = numbers.get(created) ?? 0;
      expect(pos).toBe(created * 1024 + number);
      numbers.set(created, number + 1);
    }
    expect(Math.max(...numbers.values())).toBe(12);
  });

  it("tell of the present revision when it was made, and nothing that nobody knows", async () => {
    await applyD1Migrations(env.DB, first);
    await fill();
    await applyD1Migrations(env.DB, migrations);
    const columns = "revised_at - updated_at AS later, revised_by, revision_note";
    expect(await rowsOf(`SELECT DISTINCT ${columns} FROM flows`)).toEqual([
      { later: 0, revised_by: null, revision_note: "" },
    ]);
    expect(await rowsOf("SELECT count(*) AS n FROM revisions")).toEqual([{ n: 0 }]);
  });

  it("derive name, type and template as they stand in the documents", async () => {
    await applyD1Migrations(env.DB, first);
    await fill();
    await applyD1Migrations(env.DB, migrations);
    const rows = await rowsOf<Record<string, string | null>>("SELECT name, type, from_template, document FROM flows");
    for (const { name, type, from_template: template, document } of rows) {
      const told = JSON.parse(document!) as Record<string, string | null | undefined>;
      expect([name, type, template]).toEqual([
        Array.from(told["name"] ?? "")
          .slice(0, 200)
          .join(""),
        told["type"] ?? null,
        told["fromTemplate"] ?? null,
      ]);
    }
  });

  it("fill the tables that follow from the documents, marks of facets included", async () => {
    await applyD1Migrations(env.DB, first);
    await fill();
    await applyD1Migrations(env.DB, migrations);
    await expectDerived();
    const byItsSteps = (await storedFlows()).filter(({ document }) => document.name === "By its steps");
    expect(byItsSteps.map(({ text }) => marksIn(text).length)).toEqual([9, 9, 9, 9]);
    for (const term of [`"STRASSE"`, `"VIII FI"`, `"BY ITS STEPS"`, `"NOBODY'S"`]) {
      const found = await rowsOf("SELECT rowid FROM flow_search WHERE flow_search MATCH ?", term);
      expect([term, found.length]).toEqual([term, 4]);
    }
  });

  it.each([
    ["filled", true],
    ["empty", false],
  ])("change nothing in a %s database when they are applied again", async (_, filled) => {
    await applyD1Migrations(env.DB, first);
    if (filled) await fill();
    await applyD1Migrations(env.DB, migrations);
    const once = [await schema(), ...(await contentsOf([...tables, ...derived]))];
    await applyD1Migrations(env.DB, migrations);
    expect([await schema(), ...(await contentsOf([...tables, ...derived]))]).toEqual(once);
    expect(once[1]).toHaveLength(filled ? 40 : 0);
    await expectDerived();
  });

  it("make the same tables of a filled database as of an empty one", async () => {
    await applyD1Migrations(env.DB, migrations);
    const ofEmpty = await schema();
    await reset();
    await applyD1Migrations(env.DB, first);
    await fill();
    await applyD1Migrations(env.DB, migrations);
    expect(await schema()).toEqual(ofEmpty);
  });

  it("leave nothing behind of what they replaced", async () => {
    await applyD1Migrations(env.DB, migrations);
    expect(await rowsOf("SELECT name FROM sqlite_master WHERE name LIKE '%\\_next%' ESCAPE '\\'")).toEqual([]);
    expect(await rowsOf("SELECT name FROM sqlite_master WHERE name LIKE 'flow_owners%'")).toEqual([]);
  });

  it("delete nothing by way of a foreign key", async () => {
    await applyD1Migrations(env.DB, migrations);
    expect(await rowsOf("SELECT name FROM sqlite_master WHERE sql LIKE '%ON DELETE CASCADE%'")).toEqual([]);
  });
});
