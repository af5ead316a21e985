import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { unstable_readConfig as readConfig } from "wrangler";

export const root = fileURLToPath(new URL("..", import.meta.url));
/** Everything the bench makes and may make again; ignored by git. */
export const scratch = join(root, ".wrangler", "bench");

export const quiet = { WRANGLER_SEND_METRICS: "false", CLOUDFLARE_CF_FETCH_ENABLED: "false", CI: "true" };

/** The repository without the embedded orchestrator, so that a start is measured and not what follows from it. */
export const config: Settings = readConfig(
  { config: join(root, "wrangler.toml"), env: "external" },
  { hideWarnings: true },
);

/** What the bench reads of wrangler.toml; wrangler's own type names packages that are not there. */
interface Settings {
  readonly compatibility_date?: string;
  readonly compatibility_flags: string[];
  readonly minify?: boolean;
  readonly assets?: { readonly directory?: string };
  readonly r2_buckets?: { binding: string; bucket_name?: string }[];
  readonly d1_databases: { binding: string; database_name?: string; migrations_dir?: string }[];
  readonly durable_objects: { readonly bindings: { name: string; class_name: string }[] };
  readonly queues: { readonly producers?: { binding: string; queue: string }[] };
}

export function wrangler(...args: string[]): string {
  const done = spawnSync(join(root, "node_modules", ".bin", "wrangler"), args, {
    cwd: root,
    env: { ...process.env, ...quiet },
    encoding: "utf8",
  });
  if (done.status === 0) return done.stdout;
  throw new Error(`wrangler ${args.join(" ")} failed. ${done.error?.message ?? `\n${done.stdout}\n${done.stderr}`}`);
}

/** Bundles the product as `npm run deploy` does. Answers the file. */
export function buildProduct(options: { readonly minify?: boolean } = {}): string {
  const folder = join(scratch, options.minify === false ? "product-readable" : "product");
  wrangler(
    "deploy",
    "--dry-run",
    "--env",
    "",
    "--outdir",
    folder,
    ...(options.minify === false ? ["--no-minify"] : []),
  );
  return join(folder, "index.js");
}

/** Bundles another Worker with the same tool and settings. `name` is its file in bench/bare. */
export function buildOther(name: string): string {
  return bundle(fileURLToPath(new URL(`bare/${name}.ts`, import.meta.url)), name);
}

/** Bundles the product or the bare Worker so that it tells which statements it sends. */
export function buildTapped(entry: string, objects: string, name: string): string {
  const tap = fileURLToPath(new URL("bare/tap.ts", import.meta.url));
  const wrapper = join(scratch, `${name}-tapped.ts`);
  mkdirSync(scratch, { recursive: true });
  writeFileSync(
    wrapper,
    `import * as inner from ${JSON.stringify(entry)};
import { tappedObject, tappedWorker } from ${JSON.stringify(tap)};
export default tappedWorker(inner.default);
export const ${objects} = tappedObject(inner.${objects});
`,
  );
  return bundle(wrapper, `${name}-tapped`);
}

function bundle(entry: string, name: string): string {
  const folder = join(scratch, name);
  mkdirSync(folder, { recursive: true });
  const settings = join(folder, "wrangler.json");
  const { compatibility_date, compatibility_flags, minify } = config;
  const content = { name, main: entry, compatibility_date, compatibility_flags, minify };
  writeFileSync(settings, JSON.stringify(content));
  wrangler("deploy", "--dry-run", "--config", settings, "--outdir", folder);
  return join(folder, `${entry.slice(dirname(entry).length + 1, -".ts".length)}.js`);
}

export const codeOf = (file: string): string =>
  readFileSync(file, "utf8").replace(/\/\/# sourceMappingURL=\S+\s*$/, "");

/** The code of a bundle, and the WebAssembly beside it that it imports. */
export function modulesOf(file: string) {
  const contents = codeOf(file);
  const wasm = readdirSync(dirname(file)).filter((name) => name.endsWith(".wasm") && contents.includes(name));
  return [
    { type: "ESModule" as const, path: basename(file), contents },
    ...wasm.map((path) => {
      return { type: "CompiledWasm" as const, path, contents: new Uint8Array(readFileSync(join(dirname(file), path))) };
    }),
  ];
}
