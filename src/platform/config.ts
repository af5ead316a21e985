import { z } from "zod";

import { AppError } from "./errors.ts";

const list = z
  .string()
  .default("")
  .transform((text) =>
    text
      .split(",")
      .map((entry) => entry.trim())
      .filter((entry) => entry !== ""),
  );
const optional = z.string().optional();
const whole = (initial: number) => z.coerce.number().int().min(1).default(initial);

const isKey = (text: string): boolean => /^(?:[0-9a-fA-F]{64}|[\w+/-]{43}=?)$/.test(text);
const isWebAddress = (text: string): boolean => /^https?:\/\//.test(text) && URL.canParse(text);

const Settings = z
  .object({
    /** `production` refuses the local token secret. */
    ENVIRONMENT: z.enum(["production", "development", "test"]).default("production"),
    ORCHESTRATOR: z.enum(["embedded", "external"]).default("embedded"),
    FLOW_VALIDATION: z.enum(["lenient", "strict"]).default("lenient"),
    LOG_LEVEL: z.enum(["info", "error", "silent"]).default("info"),
    ORIGINWHITELIST: list,
    FLOW_READ_PERMISSION: z.string().default("flows.read"),
    FLOW_WRITE_PERMISSION: z.string().default("flows.write"),
    FLOW_CONTROL_PERMISSION: z.string().default("flows.control"),
    FLOW_BULK_PERMISSION: z.string().default("flows.bulk"),
    TEMPLATE_READ_PERMISSION: z.string().default("templates.read"),
    TEMPLATE_WRITE_PERMISSION: z.string().default("templates.write"),
    SECRET_READ_PERMISSION: z.string().default("secrets.secret.read"),
    SECRET_WRITE_PERMISSION: z.string().default("secrets.secret.write"),
    IAM_JWKS_URL: optional,
    IAM_ISSUER: optional,
    IAM_AUDIENCE: optional,
    INTROSPECT_ENDPOINT_BASIC: optional,
    IAM_TOKEN: optional,
    /** Seconds for which an introspected token is believed; 0 asks the IAM every time. */
    IAM_TOKEN_CACHE_TTL: z.coerce.number().int().min(0).max(3600).default(30),
    IAM_JWT_SECRET: optional,
    /** Signs the cursors of lists. */
    CURSOR_SECRET: z.string().default(""),
    /** Keys of secrets, each 32 bytes in base64 or hex: the first encrypts, all decrypt. */
    SECRETS_KEY: list,
    /** The Open Integration Hub's Secret Service, to be asked instead of our own, and its identity management with path. */
    SECRET_SERVICE_BASE_URL: optional,
    IAM_BASE_URL: optional,
    /** The Open Integration Hub's Component Repository, to be asked whether somebody may see a component. */
    COMPONENT_REPOSITORY_BASE_URL: optional,
    /** What follows if somebody may not see what a flow refers to: `warn` tells at a save and refuses a start, `enforce` refuses both. */
    CHECKS: z.enum(["warn", "enforce"]).default("warn"),
    /** Whether there is a bridge to another message bus: it fetches commands and notices from this `worker`, or from their `queues`. */
    BRIDGE: z.enum(["off", "worker", "queues"]).default("off"),
    BRIDGE_PERMISSION: z.string().default("bridge"),
    /** Tells in `server-timing` what a request cost the database. */
    SERVER_TIMING: z.enum(["true", "false"]).default("false"),
    /** How many revisions of a flow are kept beside the present one. */
    REVISION_LIMIT: whole(100),
    /** Days for which a run that ended is kept. */
    RUN_RETENTION_DAYS: whole(30),
    /** Keys of execution tokens, each at least 32 characters: the first signs, all verify. Without any no execution begins. */
    EXECUTION_KEY: list,
    /** Seconds for which an execution token holds; never longer than its execution. */
    JWT_EXPIRATION: whole(28_800),
    /** Bytes of one uploaded file. */
    FILE_LIMIT: whole(10_485_760),
    /** Host names that lead to the gateway: `name`, or `name=owner` if only that owner's APIs may stand there. */
    GATEWAY_HOSTNAMES: list,
    /** Keys of access tokens that oauth interceptors issue, each at least 32 characters: the first signs, all verify. */
    GATEWAY_KEY: list,
    /** Days for which traces of calls are kept. */
    GATEWAY_TRACE_DAYS: whole(7),
    APP_READ_PERMISSION: z.string().default("apps.read"),
    APP_WRITE_PERMISSION: z.string().default("apps.write"),
    PLAN_READ_PERMISSION: z.string().default("plans.read"),
    PLAN_WRITE_PERMISSION: z.string().default("plans.write"),
    EXECUTION_START_PERMISSION: z.string().default("executions.start"),
    EXECUTION_READ_PERMISSION: z.string().default("executions.read"),
    EXECUTION_CONTROL_PERMISSION: z.string().default("executions.control"),
    /** Days for which an execution stays in lists. */
    EXECUTION_RETENTION_DAYS: whole(30),
    /** Lets flows call private addresses; for local development. */
    HTTP_ALLOW_PRIVATE: z.enum(["true", "false"]).default("false"),
    /** Seconds until an unanswered command is sent again; doubles with each try. */
    COMMAND_DEADLINE_SECONDS: whole(30),
    /** How often `flow.starting` is sent before the start counts as failed. */
    START_TRIES: whole(5),
  })
  .superRefine((settings, check) => {
    const refuse = (name: string, message: string) => check.addIssue({ code: "custom", path: [name], message });
    if (settings.CURSOR_SECRET.length < 32) refuse("CURSOR_SECRET", "is needed: at least 32 characters");
    if (!settings.SECRETS_KEY.every(isKey)) refuse("SECRETS_KEY", "needs 32 bytes in base64 or hex for each key");
    if (!settings.EXECUTION_KEY.every((key) => key.length >= 32)) {
      refuse("EXECUTION_KEY", "needs at least 32 characters for each key");
    }
    if (!settings.GATEWAY_KEY.every((key) => key.length >= 32)) {
      refuse("GATEWAY_KEY", "needs at least 32 characters for each key");
    }
    if (!settings.GATEWAY_HOSTNAMES.every((entry) => /^[a-z0-9.-]+(?:=[^=]+)?$/i.test(entry))) {
      refuse("GATEWAY_HOSTNAMES", "is a list of host names such as api.example.com or api.example.com=owner");
    }
    // Runs that open secrets begin here only; elsewhere the service is asked with the caller's own token.
    if (settings.SECRET_SERVICE_BASE_URL && settings.ORCHESTRATOR === "embedded") {
      if (!settings.IAM_BASE_URL) refuse("IAM_BASE_URL", "is needed with SECRET_SERVICE_BASE_URL");
      if (!settings.IAM_TOKEN) refuse("IAM_TOKEN", "is needed with SECRET_SERVICE_BASE_URL");
      if (settings.SECRETS_KEY.length === 0) {
        refuse("SECRETS_KEY", "is needed with SECRET_SERVICE_BASE_URL: runs keep sealed what they have to mask");
      }
    }
    for (const name of ["SECRET_SERVICE_BASE_URL", "IAM_BASE_URL", "COMPONENT_REPOSITORY_BASE_URL"] as const) {
      const address = settings[name];
      if (address !== undefined && !isWebAddress(address)) refuse(name, "is no http or https address");
    }
    if (settings.IAM_JWKS_URL) {
      if (!settings.IAM_ISSUER) refuse("IAM_ISSUER", "is needed with IAM_JWKS_URL");
      if (!settings.IAM_AUDIENCE) refuse("IAM_AUDIENCE", "is needed with IAM_JWKS_URL");
    }
    for (const name of ["IAM_JWKS_URL", "INTROSPECT_ENDPOINT_BASIC"] as const) {
      const address = settings[name];
      if (address !== undefined && !URL.canParse(address)) refuse(name, "is not a URL");
    }
    if (settings.INTROSPECT_ENDPOINT_BASIC && !settings.IAM_TOKEN) {
      refuse("IAM_TOKEN", "is needed with INTROSPECT_ENDPOINT_BASIC");
    }
    if (settings.IAM_JWT_SECRET) {
      if (settings.ENVIRONMENT === "production") refuse("IAM_JWT_SECRET", "is refused in production");
      if (settings.IAM_JWKS_URL || settings.INTROSPECT_ENDPOINT_BASIC) {
        refuse("IAM_JWT_SECRET", "is refused beside IAM_JWKS_URL or INTROSPECT_ENDPOINT_BASIC");
      }
      if (settings.IAM_JWT_SECRET.length < 32) refuse("IAM_JWT_SECRET", "needs at least 32 characters");
    } else if (!settings.IAM_JWKS_URL && !settings.INTROSPECT_ENDPOINT_BASIC) {
      refuse("IAM_JWKS_URL", "or INTROSPECT_ENDPOINT_BASIC is needed to know who is calling");
    }
  });

export type Config = Readonly<z.infer<typeof Settings>>;

const known = new WeakMap<object, Config>();

/** The settings, parsed once per set of bindings. A bad one is named in the log and answered as MISCONFIGURED. */
export function configOf(env: Env): Config {
  const found = known.get(env);
  if (found) return found;
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ""));
  const parsed = Settings.safeParse(given);
  if (!parsed.success) {
    // The log cuts what others say at quotes, behind which a value may stand; here it is what is allowed.
    const faults = parsed.error.issues.map(({ path, message }) => `${path.join(".")} ${message.replaceAll('"', "")}`);
    throw new AppError("MISCONFIGURED", { cause: new Error(`Settings: ${faults.join("; ")}`) });
  }
  known.set(env, parsed.data);
  return parsed.data;
}
