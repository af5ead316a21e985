import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { createServer } from "node:net";

const quiet = { ...process.env, WRANGLER_SEND_METRICS: "false", CLOUDFLARE_CF_FETCH_ENABLED: "false", CI: "true" };

/** Applies the migrations to a local database. */
export function migrate(...options: string[]): void {
  const done = spawnSync("wrangler", ["d1", "migrations", "apply", "DB", "--local", ...options], {
    env: quiet,
    encoding: "utf8",
  });
  if (done.status !== 0) {
    throw new Error(`The migrations failed. ${done.error?.message ?? `\n${done.stdout}\n${done.stderr}`}`);
  }
}

/** A port of this machine that nobody uses. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() =>
        typeof address === "object" && address ? resolve(address.port) : reject(new Error("no port")),
      );
    });
  });
}

export interface Served {
  readonly process: ChildProcess;
  readonly ended: Promise<number>;
}

/** Serves the Worker with local D1, Durable Objects and Queues. */
export function serve(port: number, options: string[], output: "inherit" | "ignore"): Served {
  const child = spawn("wrangler", ["dev", "--port", String(port), "--ip", "127.0.0.1", ...options], {
    env: { ...quiet, X_LOCAL_OBSERVABILITY: "false" },
    stdio: ["ignore", output, output],
    detached: true,
  });
  const ended = new Promise<number>((resolve) => child.once("exit", (code) => resolve(code ?? 0)));
  return { process: child, ended };
}

/** Ends the Worker and the processes it began. */
export function end(served: Served): void {
  try {
    if (served.process.pid !== undefined) process.kill(-served.process.pid, "SIGTERM");
  } catch {
    // It has ended by itself.
  }
}

/** Waits until the stack answers; fails when it ends first or takes more than a minute. */
export async function untilReady(base: string, served: Served): Promise<void> {
  let over: number | undefined;
  void served.ended.then((code) => (over = code));
  const deadline = Date.now() + 60_000;
  let told = "It did not answer at all.";
  while (Date.now() < deadline) {
    if (over !== undefined) throw new Error(`wrangler dev ended with code ${over}.`);
    const answer = await fetch(`${base}/healthcheck`).catch(() => undefined);
    if (answer?.status === 200) return;
    if (answer !== undefined) told = `/healthcheck answers ${answer.status}: ${(await answer.text()).slice(0, 300)}`;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(`The stack was not well within a minute. ${told}`);
}
