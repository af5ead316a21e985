import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, expect, it } from "vitest";

import { end, freePort, serve, untilReady, type Served } from "../../scripts/stack.ts";
import { signToken } from "../../scripts/token.ts";
import { migrateIn } from "./stack.ts";

const secret = "the secret of a stack that is about to be killed";
const folder = mkdtempSync(join(tmpdir(), "flow-repository-crash-"));
const vars = join(folder, "vars");
const port = await freePort();
const base = `http://127.0.0.1:${port}`;
let served: Served | undefined;

async function begin(): Promise<Served> {
  const options = ["--persist-to", folder, "--env-file", vars, "--inspector-port", String(await freePort())];
  served = serve(port, [...options, "--log-level", "none"], "ignore");
  await untilReady(base, served);
  return served;
}

afterEach(async () => {
  if (served !== undefined) {
    end(served);
    await served.ended;
  }
  rmSync(folder, { recursive: true, force: true });
});

interface Listed {
  readonly data: { id: string; status: string }[];
}

it("a start that was answered survives the death of every process, wherever its message was", async () => {
  const settings = {
    ENVIRONMENT: "development",
    IAM_JWT_SECRET: secret,
    CURSOR_SECRET: secret,
    LOG_LEVEL: "silent",
    COMMAND_DEADLINE_SECONDS: 1,
    START_TRIES: 20,
  };
  writeFileSync(
    vars,
    Object.entries(settings)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(""),
  );
  await migrateIn(folder);
  const permissions = ["flows.read", "flows.write", "flows.control"];
  const headers = {
    authorization: `Bearer ${await signToken(secret, { sub: "alice", permissions })}`,
    "content-type": "application/json",
  };
  const killed = await begin();

  const flow = JSON.stringify({ graph: { nodes: [{ id: "step_1" }], edges: [] } });
  const created = Array.from({ length: 20 }, async () => {
    const answer = await fetch(`${base}/flows`, { method: "POST", headers, body: flow });
    return ((await answer.json()) as { data: { id: string } }).data.id;
  });
  const ids = await Promise.all(created);

  const answered: string[] = [];
  for (const id of ids) {
    // The last answer comes while later starts are under way, and these are what the kill meets.
    const start = fetch(`${base}/flows/${id}/start`, { method: "POST", headers }).then(
      (answer) => answer.ok && answered.push(id),
      () => undefined,
    );
    if (ids.indexOf(id) < 8) await start;
  }
  process.kill(-(killed.process.pid ?? 0), "SIGKILL");
  await killed.ended;
  expect(answered.length).toBeGreaterThanOrEqual(8);

  await begin();
  const notActive = async (): Promise<string[]> => {
    const listed = (await (await fetch(`${base}/flows?page[size]=100`, { headers })).json()) as Listed;
    const active = new Set(listed.data.filter((entry) => entry.status === "active").map((entry) => entry.id));
    return answered.filter((id) => !active.has(id));
  };
  await expect.poll(notActive, { timeout: 60_000, interval: 200 }).toEqual([]);
});
