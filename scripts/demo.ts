import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { exampleFlow } from "../src/flows/example.ts";
import { end, freePort, migrate, serve, untilReady } from "./stack.ts";
import { signToken } from "./token.ts";

const folder = mkdtempSync(join(tmpdir(), "flow-repository-demo-"));
const secret = randomBytes(32).toString("hex");
const vars = join(folder, "vars");
writeFileSync(vars, `ENVIRONMENT=development\nIAM_JWT_SECRET=${secret}\nCURSOR_SECRET=${secret}\nLOG_LEVEL=error\n`, {
  mode: 0o600,
});
const port = await freePort();
const inspector = await freePort();
const base = `http://127.0.0.1:${port}`;

console.log(`A Worker of its own, with its own state in ${folder}`);
migrate("--persist-to", folder);
const options = [
  "--persist-to",
  folder,
  "--env-file",
  vars,
  "--inspector-port",
  String(inspector),
  "--log-level",
  "error",
];
const served = serve(port, options, "inherit");
process.once("exit", () => {
  end(served);
  rmSync(folder, { recursive: true, force: true });
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => process.exit(1));

try {
  await untilReady(base, served);
  await demo();
  console.log("\nThe demo went as it should.");
} catch (error) {
  console.error(`\nThe demo failed: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  end(served);
  await served.ended;
}

interface Answer {
  readonly status: number;
  readonly body: { data: { id: string; status: string; revision: number }; errors?: { message: string }[] };
}

async function demo(): Promise<void> {
  const permissions = ["flows.read", "flows.write", "flows.control"];
  const authorization = `Bearer ${await signToken(secret, { sub: "alice", tenant: "acme", permissions })}`;
  const call = async (
    method: string,
    path: string,
    expected: number,
    body?: unknown,
    shown = true,
  ): Promise<Answer> => {
    const response = await fetch(base + path, {
      method,
      headers: { authorization, ...(body === undefined ? {} : { "content-type": "application/json" }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const answer: Answer = { status: response.status, body: (await response.json()) as Answer["body"] };
    if (shown) {
      console.log(`\n> ${method} ${path}${body === undefined ? "" : ` ${JSON.stringify(body)}`}`);
      console.log(`< ${answer.status} ${JSON.stringify(answer.body)}`);
    }
    if (answer.status !== expected) {
      throw new Error(`${method} ${path} answered ${answer.status}, expected was ${expected}.`);
    }
    return answer;
  };
  const until = async (path: string, status: string): Promise<void> => {
    const deadline = Date.now() + 30_000;
    let seen = "";
    while (Date.now() < deadline) {
      const { body } = await call("GET", path, 200, undefined, false);
      if (body.data.status !== seen) console.log(`  … ${(seen = body.data.status)}`);
      if (seen === status) return void (await call("GET", path, 200));
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`The flow did not become ${status} within 30 seconds; it is ${seen}.`);
  };

  console.log("\n# Store the example flow");
  const path = `/flows/${(await call("POST", "/flows", 201, exampleFlow)).body.data.id}`;
  console.log("\n# Start it and watch it become active");
  await call("POST", `${path}/start`, 200);
  await until(path, "active");
  console.log("\n# An active flow can be neither edited nor deleted");
  await call("PATCH", path, 409, { name: "Too early" });
  await call("DELETE", path, 409);
  console.log("\n# Stop it and watch it become inactive");
  await call("POST", `${path}/stop`, 200);
  await until(path, "inactive");
  console.log("\n# Edit it, delete it");
  const edited = await call("PATCH", path, 200, { name: "A better name" });
  if (edited.body.data.revision !== 2) throw new Error("The edit did not make revision 2.");
  await call("DELETE", path, 200);
  await call("GET", path, 404);
}
