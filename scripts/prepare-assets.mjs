// Runs after npm ci: puts the script of the docs page where the Worker serves it, so that it needs no internet.
import { cpSync, mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const from = dirname(createRequire(import.meta.url).resolve("swagger-ui-dist/package.json"));
const to = join("dist", "assets", "api-docs-assets");
mkdirSync(to, { recursive: true });
for (const file of ["swagger-ui-bundle.js", "swagger-ui.css", "LICENSE"]) cpSync(join(from, file), join(to, file));
