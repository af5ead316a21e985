import { expect, it, onTestFinished } from "vitest";

import { seedFlow } from "./seed.ts";
import { startStack, type Stack } from "./stack.ts";

/** The repository as its environment `external` deploys it, in company of the given Workers. */
async function repository(vars: Record<string, string>, ...workers: string[]): Promise<Stack> {
  const stack = await startStack({ environment: "external", workers, vars });
  onTestFinished(() => stack.close());
  return stack;
}

async function startedFlow({ call }: Stack): Promise<string> {
  const path = `/flows/${(await call("POST", "/flows", seedFlow)).body.data.id}`;
  expect((await call("POST", `${path}/start`)).body.data.status).toBe("starting");
  return path;
}

/** The flow once it has the status, and every status that was seen on the way. */
async function until({ call }: Stack, path: string, status: string) {
  const seen: string[] = [];
  const deadline = Date.now() + 30_000;
  while (Date.now() < deadline) {
    const { data: flow } = (await call("GET", path)).body;
    if (seen.at(-1) !== flow.status) seen.push(flow.status);
    if (flow.status === status) return { flow, seen };
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`The flow did not become ${status} within 30 seconds; seen were ${seen.join(", ")}.`);
}

it("starts and stops a flow when the orchestrator is a Worker of its own", async () => {
  const stack = await repository({}, "test/external/wrangler.toml");
  const path = await startedFlow(stack);
  const { flow: active } = await until(stack, path, "active");
  expect(active).toMatchObject({ statusSeq: 2, startedBy: "alice", lastError: null });
  expect((await stack.call("PATCH", path, { name: "Too early" })).status).toBe(409);
  expect((await stack.call("DELETE", path)).status).toBe(409);
  expect((await stack.call("POST", `${path}/stop`)).body.data.status).toBe("stopping");
  const { flow: inactive } = await until(stack, path, "inactive");
  expect(inactive).toMatchObject({ statusSeq: 4, lastError: null });
  expect((await stack.call("DELETE", path)).status).toBe(200);
});

it("leaves a flow starting without an orchestrator, until its command has gone unanswered for too long", async () => {
  const stack = await repository({ COMMAND_DEADLINE_SECONDS: "1", START_TRIES: "2" });
  const path = await startedFlow(stack);
  const { flow, seen } = await until(stack, path, "stopping");
  expect(seen).toEqual(["starting", "stopping"]);
  expect(flow.lastError).toMatchObject({ code: "START_TIMEOUT" });
  expect(Date.parse(flow.lastError.at) - Date.parse(flow.startedAt)).toBeGreaterThanOrEqual(3000);
});
