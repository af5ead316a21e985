import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
interface Named {
  readonly name: string;
  [key: string]: Json;
}
/** What Miniflare tells workerd. */
export interface Dumped {
  readonly services: Named[];
  readonly extensions: Json[];
}

const text = (value: string): string =>
  JSON.stringify(value)
    .replaceAll(/\\u00(..)/g, String.raw`\x$1`)
    .replaceAll(/\\[bf]/g, " ");

type Embed = (content: string | Uint8Array) => string;

/** Writes a value as Cap'n Proto text; code goes into files of its own. */
function literal(value: Json, embed: Embed): string {
  if (typeof value === "string") return text(value);
  if (typeof value !== "object" || value === null) return value === null ? "void" : String(value);
  if (Array.isArray(value)) return `[${value.map((entry) => literal(entry, embed)).join(", ")}]`;
  const fields = Object.entries(value).map(([key, inner]) => {
    if (key === "esModule" && typeof inner === "string") return `${key} = embed ${text(embed(inner))}`;
    // Bytes are dumped as an object of numbers.
    if (key === "wasm") return `${key} = embed ${text(embed(Uint8Array.from(Object.values(inner as object))))}`;
    return `${key} = ${literal(inner, embed)}`;
  });
  return `(${fields.join(", ")})`;
}

/** Names of services that a part of the configuration leads to. */
function leadsTo(value: Json, known: ReadonlySet<string>, found: Set<string>): void {
  if (typeof value === "string" && known.has(value)) found.add(value);
  if (typeof value !== "object" || value === null) return;
  for (const inner of Object.values(value)) leadsTo(inner, known, found);
}

/** Takes out what only serves Miniflare's process in Node: then nothing of it is needed to serve. */
function alone(service: Named, folder: string): Named {
  if (typeof service["disk"] === "object") {
    const path = join(folder, "state", service.name.split(":")[0]!);
    mkdirSync(path, { recursive: true });
    return { ...service, disk: { path, writable: true } };
  }
  const { containerEngine: _, cacheApiOutbound: __, globalOutbound: ___, ...worker } = service["worker"] as Named;
  const bindings = ((worker["bindings"] ?? []) as Named[]).filter(({ name }) => name !== "MINIFLARE_LOOPBACK");
  const storage = worker["durableObjectStorage"];
  const memory = storage !== undefined && Object.keys(storage as object).length === 0;
  return {
    ...service,
    worker: { ...worker, bindings, ...(memory ? { durableObjectStorage: { inMemory: null } } : {}) },
  };
}

/** The part of a dumped configuration that serves the given Workers, each at a socket of its own, as a .capnp file. */
export function writeConfig(dumped: Dumped, workers: readonly string[], folder: string): string {
  const byName = new Map(dumped.services.map((service) => [service.name, service]));
  const known = new Set(byName.keys());
  const services = new Map<string, Named>();
  const reach = (name: string): void => {
    if (services.has(name)) return;
    const service = alone(byName.get(name)!, folder);
    services.set(name, service);
    const found = new Set<string>();
    leadsTo(Object.fromEntries(Object.entries(service).filter(([key]) => key !== "name")), known, found);
    for (const next of found) reach(next);
  };
  for (const worker of workers) reach(`core:user:${worker}`);

  let files = 0;
  const embed: Embed = (content) => {
    const file = `module-${(files += 1)}.${typeof content === "string" ? "js" : "wasm"}`;
    writeFileSync(join(folder, file), content);
    return file;
  };
  // Tokens that are checked by published keys need them from this machine.
  const internet = { name: "internet", network: { allow: ["public", "private", "local"] } };
  const sockets = workers.map((name) => {
    return { name, address: "127.0.0.1:0", service: { name: `core:user:${name}` }, http: {} };
  });
  const whole = { services: [...services.values(), internet], sockets, extensions: dumped.extensions };
  const file = join(folder, "config.capnp");
  writeFileSync(
    file,
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = ${literal(whole, embed)};
`,
  );
  return file;
}
