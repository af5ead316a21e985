import { existsSync, readFileSync } from "node:fs";

/** What the documents say about files has to be true: quoted paths exist, quoted code and titles are the file's. */
const faults: string[] = [];
for (const document of ["README.md", "ARCHITECTURE.md"]) {
  const text = readFileSync(document, "utf8");
  for (const [, path] of text.matchAll(/`((?:src|test|scripts|migrations|\.ci)\/[\w./-]*)`/g)) {
    if (path !== undefined && !existsSync(path)) faults.push(`${document} quotes ${path}, which does not exist.`);
  }
  for (const [, path, code] of text.matchAll(/<!-- (\S+) -->\s*```ts\n([\s\S]*?)```/g)) {
    const file = path !== undefined && existsSync(path) ? readFileSync(path, "utf8") : undefined;
    if (file !== code) faults.push(`${document} shows ${path} otherwise than it is.`);
  }
}
/** The contract: below its heads every row of a table quotes a test, as `path` — `title`. */
const contract = "test/CONTRACT.md";
const rows = readFileSync(contract, "utf8").replaceAll(/^\|.*\n\| -.*$/gm, "");
for (const [row] of rows.matchAll(/^\|.*$/gm)) {
  const tests = [...row.matchAll(/`([\w./-]+\.test\.ts)` — `([^`]+)`/g)];
  if (tests.length === 0) faults.push(`${contract} quotes no test in ${row}`);
  for (const [, path = "", title = ""] of tests) {
    const found = existsSync(path) && readFileSync(path, "utf8").includes(title);
    if (!found) faults.push(`${contract} quotes ${path} — ${title}, which does not exist.`);
  }
}
for (const fault of faults) console.error(fault);
process.exitCode = faults.length === 0 ? 0 : 1;
