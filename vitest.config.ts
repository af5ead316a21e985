import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";

const secret = "a secret of the tests, at least 32 characters";

/** The Worker as an environment of wrangler.toml deploys it, with settings for tests. */
const worker = (environment?: string) =>
  cloudflareTest(async () => ({
    wrangler: { configPath: "./wrangler.toml", ...(environment === undefined ? {} : { environment }) },
    miniflare: {
      bindings: {
        ENVIRONMENT: "test",
        IAM_JWT_SECRET: secret,
        LOG_LEVEL: "silent",
        ORIGINWHITELIST: "https://ui.example.com",
        MIGRATIONS: await readD1Migrations("migrations"),
      },
    },
  }));

const common = { setupFiles: ["test/support/migrate.ts"], testTimeout: 20_000 };

export default defineConfig({
  test: {
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
      { test: { name: "node", include: ["test/node/**/*.test.ts"], testTimeout: 120_000 } },
    ],
  },
});
