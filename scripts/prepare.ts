// Runs after npm ci: puts what pages need where the Worker serves it, so that they need no internet, and the engine of
// scripts where it is imported from.
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

import { metered } from "./meter.ts";

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

/** The engine of scripts, written anew so that it counts its steps: see scripts/meter.ts. */
const engine = createRequire(import.meta.url).resolve("@jitl/quickjs-wasmfile-release-sync/wasm");
writeFileSync(join("src", "gateway", "sandbox", "quickjs.wasm"), metered(readFileSync(engine)));
