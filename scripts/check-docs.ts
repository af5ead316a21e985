import { existsSync, readFileSync } from "node:fs";

/** What the documents say about files has to be true: quoted paths exist, quoted code is the file's. */
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
for (const fault of faults) console.error(fault);
process.exitCode = faults.length === 0 ? 0 : 1;
