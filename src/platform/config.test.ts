import { describe, expect, it } from "vitest";

import { configOf, type Config } from "./config.ts";
import { AppError } from "./errors.ts";

const secret = "a secret that is long enough, really";
const local = { ENVIRONMENT: "development", IAM_JWT_SECRET: secret };
const keys = {
  IAM_JWKS_URL: "https://issuer.example/jwks",
  IAM_ISSUER: "https://issuer.example",
  IAM_AUDIENCE: "flows",
};
const introspection = { INTROSPECT_ENDPOINT_BASIC: "https://iam.example/introspect", IAM_TOKEN: "service token" };

const cursors = { CURSOR_SECRET: "c".repeat(32) };

const parse = (settings: Record<string, unknown>): Config => configOf({ ...cursors, ...settings } as unknown as Env);

function refusalOf(settings: Record<string, unknown>): AppError {
  try {
    parse(settings);
  } catch (error) {
    if (error instanceof AppError) return error;
  }
  throw new Error("The settings were not refused.");
}

describe("settings that are refused", () => {
  it.each<[string, string, Record<string, unknown>]>([
    ["nothing tells who is calling", "IAM_JWKS_URL", {}],
    ["nothing tells who is calling", "INTROSPECT_ENDPOINT_BASIC", {}],
    ["all that tells who is calling is empty", "IAM_JWKS_URL", { IAM_JWKS_URL: "", IAM_JWT_SECRET: "" }],
    ["the secret is set in production", "IAM_JWT_SECRET", { ...local, ENVIRONMENT: "production" }],
    ["the secret is set and no environment, which is production", "IAM_JWT_SECRET", { IAM_JWT_SECRET: secret }],
    ["the secret is set beside JWKS", "IAM_JWT_SECRET", { ...local, ...keys }],
    ["the secret is set beside introspection", "IAM_JWT_SECRET", { ...local, ...introspection }],
    ["the secret has 31 characters", "IAM_JWT_SECRET", { ...local, IAM_JWT_SECRET: "s".repeat(31) }],
    ["JWKS has no issuer", "IAM_ISSUER", { ...keys, IAM_ISSUER: undefined }],
    ["JWKS has an empty issuer", "IAM_ISSUER", { ...keys, IAM_ISSUER: "" }],
    ["JWKS has no audience", "IAM_AUDIENCE", { ...keys, IAM_AUDIENCE: undefined }],
    ["JWKS has an empty audience", "IAM_AUDIENCE", { ...keys, IAM_AUDIENCE: "" }],
    ["the address of JWKS is none", "IAM_JWKS_URL", { ...keys, IAM_JWKS_URL: "issuer.example/jwks" }],
    ["introspection has no service token", "IAM_TOKEN", { ...introspection, IAM_TOKEN: undefined }],
    ["introspection has an empty service token", "IAM_TOKEN", { ...introspection, IAM_TOKEN: "" }],
    [
      "the address of introspection is none",
      "INTROSPECT_ENDPOINT_BASIC",
      { ...introspection, INTROSPECT_ENDPOINT_BASIC: "iam" },
    ],
    ["the environment is unknown", "ENVIRONMENT", { ...keys, ENVIRONMENT: "staging" }],
    ["the orchestrator is unknown", "ORCHESTRATOR", { ...keys, ORCHESTRATOR: "both" }],
    ["the validation is unknown", "FLOW_VALIDATION", { ...keys, FLOW_VALIDATION: "loose" }],
    ["the log level is unknown", "LOG_LEVEL", { ...keys, LOG_LEVEL: "debug" }],
    [
      "the cache's time is no number",
      "IAM_TOKEN_CACHE_TTL",
      { ...introspection, IAM_TOKEN_CACHE_TTL: "half a minute" },
    ],
    ["the cache's time is negative", "IAM_TOKEN_CACHE_TTL", { ...introspection, IAM_TOKEN_CACHE_TTL: "-1" }],
    ["the cache's time is no whole number", "IAM_TOKEN_CACHE_TTL", { ...introspection, IAM_TOKEN_CACHE_TTL: "1.5" }],
    ["the cache's time is over an hour", "IAM_TOKEN_CACHE_TTL", { ...introspection, IAM_TOKEN_CACHE_TTL: "3601" }],
    ["the deadline is zero", "COMMAND_DEADLINE_SECONDS", { ...keys, COMMAND_DEADLINE_SECONDS: "0" }],
    ["the deadline is no number", "COMMAND_DEADLINE_SECONDS", { ...keys, COMMAND_DEADLINE_SECONDS: "soon" }],
    ["the tries are zero", "START_TRIES", { ...keys, START_TRIES: "0" }],
    ["the tries are no whole number", "START_TRIES", { ...keys, START_TRIES: "2.5" }],
    ["the secret of cursors is missing", "CURSOR_SECRET", { ...keys, CURSOR_SECRET: undefined }],
    ["the secret of cursors is empty", "CURSOR_SECRET", { ...keys, CURSOR_SECRET: "" }],
    ["the secret of cursors has 31 characters", "CURSOR_SECRET", { ...keys, CURSOR_SECRET: "c".repeat(31) }],
    ["it is unknown whether costs are told", "SERVER_TIMING", { ...keys, SERVER_TIMING: "yes" }],
    ["no revision is kept", "REVISION_LIMIT", { ...keys, REVISION_LIMIT: "0" }],
    ["no day is kept of runs", "RUN_RETENTION_DAYS", { ...keys, RUN_RETENTION_DAYS: "0" }],
    ["it is unknown how long runs are kept", "RUN_RETENTION_DAYS", { ...keys, RUN_RETENTION_DAYS: "for ever" }],
    ["it is unknown whether private addresses are called", "HTTP_ALLOW_PRIVATE", { ...keys, HTTP_ALLOW_PRIVATE: "1" }],
    ["the number of revisions is no whole number", "REVISION_LIMIT", { ...keys, REVISION_LIMIT: "2.5" }],
  ])("because %s name %s in the cause and nowhere in the answer", (_, name, settings) => {
    const refused = refusalOf(settings);
    expect(refused.code).toBe("MISCONFIGURED");
    expect((refused.cause as Error).message).toContain(name);
    expect(refused.items).toEqual([
      { message: "The service is misconfigured. Its log names the setting.", code: 503, error: "MISCONFIGURED" },
    ]);
  });

  it("are all named at once", () => {
    const none = { CURSOR_SECRET: "", IAM_ISSUER: "", IAM_AUDIENCE: "", IAM_JWT_SECRET: "short" };
    const { cause } = refusalOf({ ...keys, ...none });
    expect((cause as Error).message).toMatch(/CURSOR_SECRET.*IAM_ISSUER.*IAM_AUDIENCE.*IAM_JWT_SECRET/);
  });

  it.each([
    ["the secret", { IAM_JWT_SECRET: secret }],
    ["the service token", { ...introspection, INTROSPECT_ENDPOINT_BASIC: "iam", IAM_TOKEN: secret }],
    ["the secret of cursors", { ...keys, CURSOR_SECRET: secret, LOG_LEVEL: "x" }],
    ["a value in the wrong place", { ...keys, LOG_LEVEL: secret, START_TRIES: secret, ENVIRONMENT: secret }],
  ])("do not tell %s even in the cause", (_, settings) => {
    const refused = refusalOf(settings);
    expect(`${refused.message} ${(refused.cause as Error).message} ${JSON.stringify(refused.items)}`).not.toContain(
      secret,
    );
  });

  it("are refused each time they are asked for", () => {
    const settings = {};
    expect(refusalOf(settings).code).toBe("MISCONFIGURED");
    expect(refusalOf(settings).code).toBe("MISCONFIGURED");
  });
});

describe("settings that are taken", () => {
  it.each<[string, Record<string, unknown>]>([
    ["JWKS with issuer and audience", keys],
    ["introspection with a service token", introspection],
    ["both", { ...keys, ...introspection }],
    ["both in production", { ...keys, ...introspection, ENVIRONMENT: "production" }],
    ["JWKS beside an empty secret", { ...keys, IAM_JWT_SECRET: "" }],
    ["a secret in development", local],
    ["a secret in tests", { ...local, ENVIRONMENT: "test" }],
    ["a secret of 32 characters", { ...local, IAM_JWT_SECRET: "s".repeat(32) }],
    ["no cache", { ...introspection, IAM_TOKEN_CACHE_TTL: "0" }],
    ["a cache of an hour", { ...introspection, IAM_TOKEN_CACHE_TTL: "3600" }],
    ["costs told", { ...keys, SERVER_TIMING: "true" }],
    ["a single revision", { ...keys, REVISION_LIMIT: "1" }],
  ])("are %s", (_, settings) => {
    expect(() => parse(settings)).not.toThrow();
  });

  it("have these values if nothing else is set", () => {
    expect(parse(keys)).toEqual({
      ...keys,
      ...cursors,
      SERVER_TIMING: "false",
      REVISION_LIMIT: 100,
      ENVIRONMENT: "production",
      ORCHESTRATOR: "embedded",
      FLOW_VALIDATION: "lenient",
      LOG_LEVEL: "info",
      ORIGINWHITELIST: [],
      FLOW_READ_PERMISSION: "flows.read",
      FLOW_WRITE_PERMISSION: "flows.write",
      FLOW_CONTROL_PERMISSION: "flows.control",
      FLOW_BULK_PERMISSION: "flows.bulk",
      SECRET_READ_PERMISSION: "secrets.secret.read",
      SECRET_WRITE_PERMISSION: "secrets.secret.write",
      TEMPLATE_READ_PERMISSION: "templates.read",
      TEMPLATE_WRITE_PERMISSION: "templates.write",
      SECRETS_KEY: [],
      IAM_TOKEN_CACHE_TTL: 30,
      COMMAND_DEADLINE_SECONDS: 30,
      START_TRIES: 5,
      RUN_RETENTION_DAYS: 30,
      EXECUTION_KEY: [],
      JWT_EXPIRATION: 28_800,
      FILE_LIMIT: 10_485_760,
      GATEWAY_HOSTNAMES: [],
      GATEWAY_KEY: [],
      GATEWAY_TRACE_DAYS: 7,
      APP_READ_PERMISSION: "apps.read",
      APP_WRITE_PERMISSION: "apps.write",
      PLAN_READ_PERMISSION: "plans.read",
      PLAN_WRITE_PERMISSION: "plans.write",
      EXECUTION_START_PERMISSION: "executions.start",
      EXECUTION_READ_PERMISSION: "executions.read",
      EXECUTION_CONTROL_PERMISSION: "executions.control",
      EXECUTION_RETENTION_DAYS: 30,
      CHECKS: "warn",
      BRIDGE: "off",
      BRIDGE_PERMISSION: "bridge",
      HTTP_ALLOW_PRIVATE: "false",
    });
  });

  it.each([
    ["", []],
    ["https://a.example", ["https://a.example"]],
    [" https://a.example , ,https://b.example,", ["https://a.example", "https://b.example"]],
  ])("read the list of origins %j as %j", (text, origins) => {
    expect(parse({ ...keys, ORIGINWHITELIST: text }).ORIGINWHITELIST).toEqual(origins);
  });

  it("read figures from text", () => {
    const figures = {
      IAM_TOKEN_CACHE_TTL: "7",
      COMMAND_DEADLINE_SECONDS: "8",
      START_TRIES: "9",
      REVISION_LIMIT: "10",
      RUN_RETENTION_DAYS: "11",
    };
    expect(parse({ ...keys, ...figures })).toMatchObject({
      IAM_TOKEN_CACHE_TTL: 7,
      COMMAND_DEADLINE_SECONDS: 8,
      START_TRIES: 9,
      REVISION_LIMIT: 10,
      RUN_RETENTION_DAYS: 11,
    });
  });

  it("are parsed once per set of bindings", () => {
    const settings = { ...cursors, ...keys } as unknown as Env;
    expect(configOf(settings)).toBe(configOf(settings));
    expect(configOf({ ...settings })).not.toBe(configOf(settings));
  });
});
