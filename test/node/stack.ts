import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { createTestHarness, unstable_splitSqlQuery as statementsOf } from "wrangler";

import { signToken } from "../../scripts/token.ts";

// The runtime needs no internet here, and the test report no log of every queue batch.
process.env["WRANGLER_SEND_METRICS"] = "false";
process.env["CLOUDFLARE_CF_FETCH_ENABLED"] = "false";
process.env["WRANGLER_LOG"] = "error";

const permissions = ["flows.read", "flows.write", "flows.control"];

/** The harness reads .dev.vars; what somebody plays with there is not to be seen in a test. */
const settings = {
  ENVIRONMENT: "test",
  FLOW_VALIDATION: "lenient",
  LOG_LEVEL: "error",
  ORIGINWHITELIST: "",
  FLOW_READ_PERMISSION: "flows.read",
  FLOW_WRITE_PERMISSION: "flows.write",
  FLOW_CONTROL_PERMISSION: "flows.control",
  FLOW_BULK_PERMISSION: "flows.bulk",
  SECRET_READ_PERMISSION: "secrets.secret.read",
  SECRET_WRITE_PERMISSION: "secrets.secret.write",
  TEMPLATE_READ_PERMISSION: "templates.read",
  TEMPLATE_WRITE_PERMISSION: "templates.write",
  SECRETS_KEY: "",
  JWT_EXPIRATION: "28800",
  FILE_LIMIT: "10485760",
  EXECUTION_START_PERMISSION: "executions.start",
  EXECUTION_READ_PERMISSION: "executions.read",
  EXECUTION_CONTROL_PERMISSION: "executions.control",
  EXECUTION_RETENTION_DAYS: "30",
  SECRET_SERVICE_BASE_URL: "",
  IAM_BASE_URL: "",
  COMPONENT_REPOSITORY_BASE_URL: "",
  CHECKS: "warn",
  BRIDGE: "off",
  IAM_JWKS_URL: "",
  INTROSPECT_ENDPOINT_BASIC: "",
  COMMAND_DEADLINE_SECONDS: "30",
  START_TRIES: "5",
  SERVER_TIMING: "false",
  REVISION_LIMIT: "100",
  RUN_RETENTION_DAYS: "30",
  HTTP_ALLOW_PRIVATE: "false",
};

export interface Answer {
  readonly status: number;
  // Each test says what it expects of a body.
  // oxlint-disable-next-line typescript/no-explicit-any -- the typed client has a test of its own
  readonly body: any;
}

/**
 * Serves the Worker as wrangler.toml has it, with an empty database of its own. Further Workers, by their
 * configuration, share its queues; nobody else does.
 */
export async function startStack(
  options: { readonly environment?: string; readonly workers?: string[]; readonly vars?: Record<string, string> } = {},
) {
  const secret = randomBytes(32).toString("hex");
  const secrets = {
    ...settings,
    IAM_JWT_SECRET: secret,
    CURSOR_SECRET: secret,
    EXECUTION_KEY: secret,
    ...options.vars,
  };
  const harness = createTestHarness({
    root: fileURLToPath(new URL("../..", import.meta.url)),
    workers: [
      {
        configPath: "wrangler.toml",
        ...(options.environment === undefined ? {} : { env: options.environment }),
        secrets,
      },
      ...(options.workers ?? []).map((configPath) => ({ configPath })),
    ],
  });
  try {
    const { url } = await harness.listen();
    await harness.getWorker("flow-repository").applyD1Migrations("DB");
    const token = await signToken(secret, { sub: "alice", tenant: "acme", permissions });
    return { base: url.origin, token, call: caller(url.origin, token), close: () => harness.close() };
  } catch (error) {
    await harness.close();
    throw error;
  }
}
export type Stack = Awaited<ReturnType<typeof startStack>>;

const caller =
  (base: string, token: string) =>
  async (method: string, path: string, body?: unknown): Promise<Answer> => {
    const answer = await fetch(base + path, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: answer.status, body: await answer.json() };
  };

/**
 * Makes the tables where `wrangler dev --persist-to` looks for them. The command line does it too, but starts a runtime
 * for each migration; `npm run demo` goes that way.
 */
export async function migrateIn(folder: string): Promise<void> {
  const id = /^database_id = "(.+)"$/m.exec(readFileSync("wrangler.toml", "utf8"))?.[1];
  if (id === undefined) throw new Error("wrangler.toml names no database.");
  const runtime = new Miniflare(
    convertV4MiniflareOptions({
      modules: true,
      script: "",
      d1Databases: { DB: id },
      resourcePersistencePath: join(folder, "v3"),
    }),
  );
  try {
    const database = await runtime.getD1Database("DB");
    const files = readdirSync("migrations").filter((name) => name.endsWith(".sql"));
    const texts = files.toSorted().flatMap((name) => statementsOf(readFileSync(join("migrations", name), "utf8")));
    await database.batch(texts.map((text) => database.prepare(text)));
  } finally {
    await runtime.dispose();
  }
}
