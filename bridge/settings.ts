import { z } from "zod";

const whole = (least: number, most: number, initial: number) =>
  z.coerce.number().int().min(least).max(most).default(initial);
const webAddress = z.url({ protocol: /^https?$/, error: "is no http or https address" });

/** What else stands in a header is quoted by the error that fetch throws. */
export const tokenPattern = /^[\x21-\x7e]+$/;
const bearer = z.string({ error: "is needed" }).trim().regex(tokenPattern, "is no token");

const common = {
  /** Where the broker is, with account and password. */
  RABBITMQ_URL: z.url({
    protocol: /^amqps?$/,
    hostname: /./,
    error: "is needed, an address such as amqp://user:password@host:5672 or amqps://…",
  }),
  /** The queue that the original has; what is bound to it stays bound. */
  BRIDGE_QUEUE: z.string().min(1).default("flow-repository"),
  BRIDGE_EXCHANGE: z.string().min(1).default("event-bus"),
  /** Where the Worker is: for its bridge routes, and for flows that were too large for a queue. */
  PRODUCT_URL: webAddress.default("http://localhost:8787"),
  /** A token of an account with the permission `bridge`, or a file that holds one and may be replaced at any time. */
  BRIDGE_TOKEN: bearer.optional(),
  BRIDGE_TOKEN_FILE: z.string().min(1).optional(),
  /** Messages that are handled at once, in each direction. */
  BRIDGE_BATCH: whole(1, 100, 100),
  /** Seconds for which messages for the bus are held back from others while they are published. */
  BRIDGE_LEASE_SECONDS: whole(5, 3600, 30),
  /** Port of the health endpoint on BRIDGE_HEALTH_HOST; 0 for none. */
  BRIDGE_HEALTH_PORT: whole(0, 65_535, 8790),
  BRIDGE_HEALTH_HOST: z.string().min(1).default("127.0.0.1"),
  LOG_LEVEL: z.enum(["info", "error", "silent"]).default("info"),
};

const accountForm = "is needed: 32 hexadecimal digits";

const ofWorker = z.object({ ...common, BRIDGE_VIA: z.literal("worker") });
const ofQueues = z.object({
  ...common,
  BRIDGE_VIA: z.literal("queues"),
  CLOUDFLARE_API_URL: webAddress.default("https://api.cloudflare.com/client/v4"),
  CLOUDFLARE_ACCOUNT_ID: z.string(accountForm).regex(/^[0-9a-f]{32}$/, accountForm),
  /** A token that may read and write queues. */
  CLOUDFLARE_API_TOKEN: bearer,
  /** Ids of the queues, as `wrangler queues info` tells them. */
  COMMANDS_QUEUE_ID: z.string({ error: "is needed: the id of the queue flow-commands" }).min(1),
  NOTICES_QUEUE_ID: z.string({ error: "is needed: the id of the queue flow-notices" }).min(1),
  REPORTS_QUEUE_ID: z.string({ error: "is needed: the id of the queue flow-reports" }).min(1),
  /** Milliseconds between two looks at a queue that is empty. */
  BRIDGE_POLL_MS: whole(50, 60_000, 1000),
});

export type CommonSettings = Pick<z.infer<typeof ofWorker>, keyof typeof common>;
export type QueueSettings = z.infer<typeof ofQueues>;
export type Settings = z.infer<typeof ofWorker> | QueueSettings;

/** Reads the settings. Throws with a sentence that names each that is missing or wrong, never a value. */
export function settingsIn(env: Readonly<Record<string, string | undefined>>): Settings {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ""));
  const via = given["BRIDGE_VIA"] ?? "worker";
  if (via !== "worker" && via !== "queues") throw new Error("BRIDGE_VIA is worker or queues.");
  // The original's services call it so.
  const all = { RABBITMQ_URL: given["RABBITMQ_URI"], ...given, BRIDGE_VIA: via };
  const parsed = (via === "worker" ? ofWorker : ofQueues).safeParse(all);
  if (!parsed.success) {
    throw new Error(parsed.error.issues.map(({ path, message }) => `${path.join(".")} ${message}`).join("\n"));
  }
  const { BRIDGE_TOKEN: token, BRIDGE_TOKEN_FILE: file } = parsed.data;
  if (token === undefined && file === undefined) {
    throw new Error("BRIDGE_TOKEN is needed, or BRIDGE_TOKEN_FILE: a token of an account with the permission bridge.");
  }
  return parsed.data;
}
