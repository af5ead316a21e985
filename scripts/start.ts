import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";

import { end, migrate, serve, untilReady } from "./stack.ts";
import { localSecret, signToken, usualPermissions } from "./token.ts";

const port = Number(process.env["PORT"] ?? 8787);
const base = `http://localhost:${port}`;

const secret = () => randomBytes(32).toString("hex");
addToVars(/^(?:IAM_JWT_SECRET|IAM_JWKS_URL|INTROSPECT_ENDPOINT_BASIC)\s*=/m, () => [
  "ENVIRONMENT=development",
  `IAM_JWT_SECRET=${secret()}`,
]);
addToVars(/^CURSOR_SECRET\s*=/m, () => [`CURSOR_SECRET=${secret()}`]);
addToVars(/^SECRETS_KEY\s*=/m, () => [`SECRETS_KEY=${secret()}`]);
addToVars(/^EXECUTION_KEY\s*=/m, () => [`EXECUTION_KEY=${secret()}`]);
addToVars(/^GATEWAY_KEY\s*=/m, () => [`GATEWAY_KEY=${secret()}`]);
// Targets of a developer's flows are on the developer's machine.
addToVars(/^HTTP_ALLOW_PRIVATE\s*=/m, () => ["HTTP_ALLOW_PRIVATE=true"]);

function addToVars(unless: RegExp, lines: () => string[]): void {
  const vars = existsSync(".dev.vars") ? readFileSync(".dev.vars", "utf8") : "";
  if (unless.test(vars)) return;
  const begun = vars === "" || vars.endsWith("\n") ? vars : `${vars}\n`;
  const added = lines();
  writeFileSync(".dev.vars", `${begun}${added.join("\n")}\n`, { mode: 0o600 });
  console.log(`Wrote a new ${added.at(-1)!.split("=")[0]} into .dev.vars.`);
}
console.log("Applying migrations to the local database …");
const at = process.argv.indexOf("--persist-to");
migrate(...(at < 0 ? [] : process.argv.slice(at, at + 2)));

console.log("Starting the Worker …");
const served = serve(port, process.argv.slice(2), "inherit");
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => end(served));
try {
  await untilReady(base, served);
  const permissions = [...usualPermissions, "secrets.secret.read", "secrets.secret.write"];
  const token = await signToken(localSecret(), { sub: "alice", tenant: "acme", permissions });
  console.log(`
The Flow Repository is ready.

  API docs   ${base}/api-docs
  OpenAPI    ${base}/openapi.json
  Health     ${base}/healthcheck

Try it (the token is alice's of tenant acme and good for 12 hours; npm run token makes others):

  curl -s ${base}/flows -H 'authorization: Bearer ${token}'

Stop with Ctrl-C. The flows stay in .wrangler/state.
`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  console.error(`If port ${port} is taken: PORT=8788 npm start`);
  end(served);
  process.exitCode = 1;
}
const code = await served.ended;
process.exitCode ||= code;
