/** Whether the bench measures what it says: the same statements on both sides, and data as the product would keep it. */
import { DatabaseSync } from "node:sqlite";

import { buildOther } from "./build.ts";
import { ask, emptyDatabase, fill, insertOf, migrationFiles, rowOf } from "./data.ts";
import { flowAt } from "./dataset.ts";
import { newFolder, prepare, removeFolder } from "./serve.ts";
import { statementsOf } from "./statements.ts";

const FLOWS = 300;

async function differentStatements(say: (line: string) => void): Promise<string[]> {
  const product = await statementsOf("product", say);
  const bare = await statementsOf("bare", say);
  return [...product].flatMap(([route, expected]) => {
    const found = bare.get(route) ?? [];
    const texts = Array.from({ length: Math.max(found.length, expected.length) }, (_, trip) =>
      [found[trip], expected[trip]].map((one) => JSON.stringify(one, null, 1) ?? "nothing"),
    );
    const [sent, due] = texts.find(([one, other]) => one !== other) ?? [];
    return sent === undefined ? [] : [`${route}: the bare Worker sends\n${sent}\nwhere the product sends\n${due}`];
  });
}

/** The rows of all tables, and of search indexes which flows a few terms find. */
function contentOf(file: string): Map<string, string> {
  const db = new DatabaseSync(file, { readOnly: true });
  const tables = db.prepare("SELECT name, type FROM pragma_table_list WHERE schema = 'main'").all() as {
    name: string;
    type: string;
  }[];
  const content = new Map<string, string>();
  for (const { name, type } of tables.filter((table) => !/^(?:sqlite_|_cf_)/.test(table.name))) {
    if (type === "shadow") continue;
    const texts = type === "virtual" ? ["SLACK", "SHOPIFY", "ORDERS", "SYNC"] : [undefined];
    const rows = texts.flatMap((text) =>
      text === undefined
        ? db.prepare(`SELECT * FROM "${name}"`).all()
        : db.prepare(`SELECT rowid FROM "${name}" WHERE "${name}" MATCH ?`).all(text),
    );
    content.set(
      name,
      rows
        .map((row) => JSON.stringify(row))
        .toSorted()
        .join("\n"),
    );
  }
  db.close();
  return content;
}

/** Fills one database directly and one by way of D1. */
async function differentData(): Promise<string[]> {
  const [other, folder] = [newFolder(), newFolder()];
  const direct = await emptyDatabase(other);
  fill(direct, FLOWS);
  const byD1 = await emptyDatabase(folder);
  const { start } = await prepare([{ name: "tools", bundle: buildOther("tools"), objects: {} }], folder);
  const server = await start();
  const migrations = migrationFiles().flatMap((text) => text.split("--> statement-breakpoint"));
  for (const sql of migrations) await ask(server, [{ sql }]);
  for (let index = 0; index < FLOWS; index += 1) {
    await ask(server, [insertOf([rowOf(flowAt(index, FLOWS))])]);
  }
  await server.end();

  const [made, expected] = [contentOf(direct), contentOf(byD1)];
  for (const done of [other, folder]) removeFolder(done);
  return [...expected].flatMap(([table, rows]) =>
    made.get(table) === rows ? [] : [`The data set has other rows in ${table} than statements through D1 would leave.`],
  );
}

/** Answers what is not as it should be. */
export async function check(say: (line: string) => void): Promise<string[]> {
  return [...(await differentStatements(say)), ...(await differentData())];
}
