import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { end, freePort, migrate, serve, untilReady } from "./stack.ts";
import { gatewayDemo } from "./demo-gateway.ts";
import { integration } from "./demo-integration.ts";
import { lifecycle } from "./demo-lifecycle.ts";
import { onboarding } from "./demo-onboarding.ts";
import { Demo } from "./demo-talk.ts";
import { signToken } from "./token.ts";

/** What can be shown: `npm run demo -- <name>`. */
const shows = { lifecycle, integration, onboarding, gateway: gatewayDemo };
const named = (process.argv[2] ?? "lifecycle") as keyof typeof shows;
if (!(named in shows)) {
  console.error(`There is no demo ${named}. Use ${Object.keys(shows).join(" or ")}: npm run demo -- onboarding`);
  process.exit(1);
}

const folder = mkdtempSync(join(tmpdir(), "flow-repository-demo-"));
const secret = randomBytes(32).toString("hex");
const vars = join(folder, "vars");
const settings = {
  ENVIRONMENT: "development",
  IAM_JWT_SECRET: secret,
  CURSOR_SECRET: secret,
  SECRETS_KEY: randomBytes(32).toString("hex"),
  EXECUTION_KEY: randomBytes(32).toString("hex"),
  GATEWAY_KEY: randomBytes(32).toString("hex"),
  LOG_LEVEL: "error",
  // The demo's own target is on this machine.
  HTTP_ALLOW_PRIVATE: "true",
};
const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`);
writeFileSync(vars, lines.join(""), { mode: 0o600 });
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
  const permissions = ["flows.read", "flows.write", "flows.control", "executions.read"];
  const token = await signToken(secret, { sub: "alice", tenant: "acme", permissions });
  await shows[named](new Demo(base, token));
  console.log("\nThe demo went as it should.");
} catch (error) {
  console.error(`\nThe demo failed: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  end(served);
  await served.ended;
}
