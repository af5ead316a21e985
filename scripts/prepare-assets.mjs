// Runs after npm ci: puts what pages need where the Worker serves it, so that they need no internet.
import { cpSync, mkdirSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const assets = join("dist", "assets");

/** The script of the docs page. */
const from = dirname(createRequire(import.meta.url).resolve("swagger-ui-dist/package.json"));
const docs = join(assets, "api-docs-assets");
mkdirSync(docs, { recursive: true });
for (const file of ["swagger-ui-bundle.js", "swagger-ui.css", "LICENSE"]) cpSync(join(from, file), join(docs, file));

/** The page of the hub, which runs in browsers as it stands. */
const hub = join(assets, "hub-assets");
mkdirSync(hub, { recursive: true });
for (const file of readdirSync("src/hub").filter((name) => /\.(?:js|css)$/.test(name))) {
  cpSync(join("src", "hub", file), join(hub, file));
}
