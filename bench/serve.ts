import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";

import { convertV4MiniflareOptions, Miniflare } from "miniflare";

import { config, modulesOf, quiet, root } from "./build.ts";
import { writeConfig, type Dumped } from "./capnp.ts";

/** Memory where there is some: a disk's waits are no property of the Worker. */
export const memory = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

export interface WorkerSource {
  readonly name: string;
  /** File of the bundle. */
  readonly bundle: string;
  /** Durable Object classes by binding. */
  readonly objects: Readonly<Record<string, string>>;
  readonly vars?: Readonly<Record<string, string>>;
}

export interface Server {
  readonly pid: number;
  readonly folder: string;
  /** Port of each Worker's direct socket, and of "inspector". */
  readonly ports: Readonly<Record<string, number>>;
  readonly end: () => Promise<void>;
}

export const productObjects = Object.fromEntries(
  config.durable_objects.bindings.map(({ name, class_name }) => [name, class_name]),
);

/** Settings of the product; everything else is as it is deployed. */
export const productVars = {
  ENVIRONMENT: "development",
  ORCHESTRATOR: "external",
  COMMAND_DEADLINE_SECONDS: "3600",
  CURSOR_SECRET: "another secret of the bench that guards nothing",
};

const folders = new Set<string>();
const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => process.exit(1));

/** A folder in memory for one server: its configuration, code and state. */
export function newFolder(): string {
  const folder = mkdtempSync(join(memory, "flow-bench-"));
  folders.add(folder);
  return folder;
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  folders.delete(folder);
}

/** Has Miniflare make its configuration once, without serving anything by it. */
async function dump(workers: readonly WorkerSource[], folder: string): Promise<Dumped> {
  const file = join(folder, "dumped.json");
  const d1Databases = Object.fromEntries(
    config.d1_databases.map((one) => [one.binding, one.database_name ?? one.binding]),
  );
  const r2Buckets = Object.fromEntries(
    (config.r2_buckets ?? []).map((one) => [one.binding, one.bucket_name ?? one.binding]),
  );
  const queueProducers = Object.fromEntries(
    (config.queues.producers ?? []).map(({ binding, queue }) => [binding, { queueName: queue }]),
  );
  const options = convertV4MiniflareOptions({
    workers: workers.map(({ name, bundle, objects, vars = {} }) => ({
      name,
      modulesRoot: "/",
      modules: modulesOf(bundle).map((module) => ({ ...module, path: `/${module.path}` })),
      compatibilityDate: config.compatibility_date!,
      compatibilityFlags: config.compatibility_flags,
      bindings: { ...vars },
      d1Databases,
      r2Buckets,
      queueProducers,
      durableObjects: Object.fromEntries(
        Object.entries(objects).map(([binding, className]) => [binding, { className, useSQLite: true }]),
      ),
    })),
  });
  Object.assign(process.env, quiet, { MINIFLARE_WORKERD_CONFIG_DEBUG: file });
  const miniflare = new Miniflare(options);
  await miniflare.ready;
  await miniflare.dispose();
  // Wrangler's own Miniflare is not to write there.
  delete process.env["MINIFLARE_WORKERD_CONFIG_DEBUG"];
  return JSON.parse(readFileSync(file, "utf8")) as Dumped;
}

/** Prepares a configuration of plain workerd for the Workers; `start` may be called again and again on its state. */
export async function prepare(workers: readonly WorkerSource[], folder = newFolder()) {
  mkdirSync(folder, { recursive: true });
  const names = workers.map(({ name }) => name);
  const file = writeConfig(await dump(workers, folder), names, folder);
  return { folder, start: (options: StartOptions = {}) => start(file, folder, names, options) };
}

interface StartOptions {
  readonly inspector?: boolean;
  readonly output?: "inherit" | "ignore";
}

const binary = join(root, "node_modules", ".bin", "workerd");

async function start(file: string, folder: string, names: string[], options: StartOptions): Promise<Server> {
  const { inspector = false, output = "ignore" } = options;
  const inspect = inspector ? ["--inspector-addr", "127.0.0.1:0"] : [];
  const args = ["serve", "--experimental", "--control-fd=3", ...inspect, file, "config"];
  const child = spawn(binary, args, { stdio: ["ignore", output, output === "ignore" ? "pipe" : output, "pipe"] });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  running.add(child);
  let said = "";
  child.stderr?.on("data", (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4000)));
  const ports: Record<string, number> = {};
  await new Promise<void>((resolve, reject) => {
    let text = "";
    void ended.then(() => reject(new Error(`workerd ended at once.\n${said}`)));
    (child.stdio[3] as Readable).on("data", (chunk: Buffer) => {
      text += chunk.toString();
      const lines = text.split("\n");
      text = lines.pop() ?? "";
      for (const line of lines.filter((one) => one !== "")) {
        const message = JSON.parse(line) as { event: string; socket?: string; port: number };
        ports[message.socket ?? "inspector"] = message.port;
      }
      if ([...names, ...(inspector ? ["inspector"] : [])].every((name) => name in ports)) resolve();
    });
  });
  return {
    pid: child.pid!,
    folder,
    ports,
    end: async () => {
      child.kill("SIGTERM");
      const forced = setTimeout(() => child.kill("SIGKILL"), 5000);
      await ended;
      clearTimeout(forced);
      running.delete(child);
    },
  };
}
