import { spawn, type ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { end, freePort, serve, untilReady, type Served } from "../../../scripts/stack.ts";
import { signToken } from "../../../scripts/token.ts";
import { migrateIn } from "../stack.ts";

const secret = "the secret of a product that stands beside a broker";

/** Accounts and tenants as the original's identity management names them. */
export const account = "5c0000000000000000000002";
export const tenant = "5d0000000000000000000001";

export interface Answer {
  readonly status: number;
  // Each test says what it expects of a body.
  // oxlint-disable-next-line typescript/no-explicit-any -- the typed client has a test of its own
  readonly body: any;
}

/** A program of its own that can be killed and started again. */
export class Program {
  readonly #begin: () => Promise<{ pid: number; ended: Promise<unknown> }>;
  #running: { pid: number; ended: Promise<unknown> } | undefined;

  constructor(begin: () => Promise<{ pid: number; ended: Promise<unknown> }>) {
    this.#begin = begin;
  }

  async start(): Promise<void> {
    this.#running = await this.#begin();
  }

  /** Kills it and all that it began, where they stand. */
  kill = (): Promise<void> => this.#signal("SIGKILL");

  end = (): Promise<void> => this.#signal("SIGTERM");

  async #signal(signal: NodeJS.Signals): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    if (running === undefined) return;
    try {
      process.kill(-running.pid, signal);
    } catch {
      // It has ended by itself.
    }
    await running.ended;
  }
}

/** The product without an orchestrator of its own, as a process on a port, with a database of its own. */
export async function layOutProduct(vars: Readonly<Record<string, string>> = {}) {
  const folder = mkdtempSync(join(tmpdir(), "flow-repository-hub-"));
  const file = join(folder, "vars");
  const settings = {
    ENVIRONMENT: "development",
    IAM_JWT_SECRET: secret,
    CURSOR_SECRET: secret,
    LOG_LEVEL: "error",
    BRIDGE: "worker",
    ...vars,
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`);
  writeFileSync(file, lines.join(""));
  await migrateIn(folder);
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;

  const program = new Program(async () => {
    const options = ["--env", "external", "--persist-to", folder, "--env-file", file, "--log-level", "none"];
    const served: Served = serve(port, [...options, "--inspector-port", String(await freePort())], "ignore");
    try {
      await untilReady(base, served);
    } catch (error) {
      end(served);
      throw error;
    }
    return { pid: served.process.pid ?? 0, ended: served.ended };
  });
  const permissions = ["flows.read", "flows.write", "flows.control", "flows.bulk"];
  const headers = {
    authorization: `Bearer ${await signToken(secret, { sub: account, tenant, permissions })}`,
    "content-type": "application/json",
  };
  /** Asks again where no answer comes; the key has what was done once be done once. */
  const call = async (method: string, path: string, body?: unknown): Promise<Answer> => {
    const sent = { ...headers, ...(method === "POST" ? { "idempotency-key": randomUUID() } : {}) };
    const text = body === undefined ? {} : { body: JSON.stringify(body) };
    const deadline = Date.now() + 20_000;
    for (;;) {
      try {
        const answer = await fetch(base + path, { method, headers: sent, ...text });
        return { status: answer.status, body: await answer.json() };
      } catch (error) {
        if (Date.now() > deadline) throw error;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  };
  return {
    base,
    program,
    call,
    tokenFor: (sub: string, ...permitted: string[]) => signToken(secret, { sub, permissions: permitted }),
    /** What runs every minute where the product is deployed, and takes up what a local queue forgot when it was killed. */
    sweep: () => fetch(`${base}/cdn-cgi/local/scheduled`).catch(() => undefined),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
export type Product = Awaited<ReturnType<typeof layOutProduct>>;

/** The bridge, as its npm script starts it. */
export async function layOutBridge(settings: Readonly<Record<string, string>>) {
  const port = await freePort();
  const health = async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/health`).catch(() => undefined);
    return answer === undefined
      ? undefined
      : ((await answer.json()) as { status: string; counts: Record<string, number> });
  };
  const program = new Program(async () => {
    const child: ChildProcess = spawn("node", ["bridge/main.ts"], {
      env: { ...process.env, BRIDGE_HEALTH_PORT: String(port), LOG_LEVEL: "silent", ...settings },
      stdio: ["ignore", "ignore", "inherit"],
      detached: true,
    });
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    const deadline = Date.now() + 20_000;
    while ((await health())?.status !== "pass") {
      if (Date.now() > deadline) throw new Error("The bridge did not come up.");
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return { pid: child.pid ?? 0, ended };
  });
  return { program, health };
}
