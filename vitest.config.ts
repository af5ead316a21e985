import { accessSync, constants, statfsSync } from "node:fs";

import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";

/** Every setting has its value here, so that a developer's .dev.vars changes no test. */
const settings = {
  ENVIRONMENT: "test",
  FLOW_VALIDATION: "lenient",
  LOG_LEVEL: "silent",
  ORIGINWHITELIST: "https://ui.example.com",
  FLOW_READ_PERMISSION: "flows.read",
  FLOW_WRITE_PERMISSION: "flows.write",
  FLOW_CONTROL_PERMISSION: "flows.control",
  FLOW_BULK_PERMISSION: "flows.bulk",
  TEMPLATE_READ_PERMISSION: "templates.read",
  TEMPLATE_WRITE_PERMISSION: "templates.write",
  SECRET_READ_PERMISSION: "secrets.secret.read",
  SECRET_WRITE_PERMISSION: "secrets.secret.write",
  IAM_JWKS_URL: "",
  IAM_ISSUER: "",
  IAM_AUDIENCE: "",
  INTROSPECT_ENDPOINT_BASIC: "",
  IAM_TOKEN: "",
  IAM_TOKEN_CACHE_TTL: "30",
  IAM_JWT_SECRET: "a secret of the tests, at least 32 characters",
  COMMAND_DEADLINE_SECONDS: "30",
  START_TRIES: "5",
  CURSOR_SECRET: "another secret of the tests, 32 characters",
  SECRETS_KEY: "0101010101010101010101010101010101010101010101010101010101010101",
  EXECUTION_KEY: "the key of executions in these tests",
  JWT_EXPIRATION: "28800",
  FILE_LIMIT: "10485760",
  GATEWAY_HOSTNAMES: "api.example.com, own.example.com=tenant-of-hosts",
  GATEWAY_KEY: "the key of the gateway in these tests",
  GATEWAY_TRACE_DAYS: "7",
  APP_READ_PERMISSION: "apps.read",
  APP_WRITE_PERMISSION: "apps.write",
  PLAN_READ_PERMISSION: "plans.read",
  PLAN_WRITE_PERMISSION: "plans.write",
  EXECUTION_START_PERMISSION: "executions.start",
  EXECUTION_READ_PERMISSION: "executions.read",
  EXECUTION_CONTROL_PERMISSION: "executions.control",
  EXECUTION_RETENTION_DAYS: "30",
  SECRET_SERVICE_BASE_URL: "",
  IAM_BASE_URL: "",
  COMPONENT_REPOSITORY_BASE_URL: "",
  CHECKS: "warn",
  BRIDGE: "off",
  BRIDGE_PERMISSION: "bridge",
  SERVER_TIMING: "false",
  REVISION_LIMIT: "100",
  RUN_RETENTION_DAYS: "30",
  HTTP_ALLOW_PRIVATE: "false",
};

/** Whether a folder may be written to and has more room than the storage of all runtimes together takes. */
function isRoomy(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize >= 2 ** 30;
  } catch {
    return false;
  }
}

// Every database and object that a test makes is a file that is synced at each commit. In memory that takes no time,
// and no test is about the loss of a disk.
const memory = "/dev/shm";
if (isRoomy(memory)) process.env["TMPDIR"] = memory;

/** The Worker as an environment of wrangler.toml deploys it, with settings for tests. */
const worker = (environment?: string) =>
  cloudflareTest(async () => ({
    wrangler: { configPath: "./wrangler.toml", ...(environment === undefined ? {} : { environment }) },
    miniflare: {
      bindings: {
        ...settings,
        MIGRATIONS: await readD1Migrations("migrations"),
      },
    },
  }));

const common = { isolate: false, setupFiles: ["test/support/migrate.ts"], testTimeout: 20_000 };

export default defineConfig({
  test: {
    // One for each core of a small machine; by itself it would leave one idle.
    maxWorkers: 2,
    projects: [
      {
        plugins: [worker("external")],
        test: {
          ...common,
          name: "worker",
          include: ["src/**/*.test.ts", "test/**/*.test.ts"],
          exclude: ["test/embedded/**", "test/node/**"],
        },
      },
      { plugins: [worker()], test: { ...common, name: "embedded", include: ["test/embedded/**/*.test.ts"] } },
      { test: { name: "node", include: ["test/node/**/*.test.ts", "bridge/**/*.test.ts"], testTimeout: 120_000 } },
    ],
  },
});
