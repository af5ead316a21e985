import { describe, expect, it } from "vitest";

import { settingsIn } from "./settings.ts";

const SECRET = "s3cret-of-nobody";
const ofWorker = { RABBITMQ_URL: `amqp://guest:${SECRET}@broker:5672`, BRIDGE_TOKEN: SECRET };
const ofQueues = {
  ...ofWorker,
  BRIDGE_VIA: "queues",
  CLOUDFLARE_ACCOUNT_ID: "0123456789abcdef0123456789abcdef",
  CLOUDFLARE_API_TOKEN: SECRET,
  COMMANDS_QUEUE_ID: "commands",
  NOTICES_QUEUE_ID: "notices",
  REPORTS_QUEUE_ID: "reports",
};
type Env = Record<string, string | undefined>;

/** What whoever starts a bridge is told. */
function complaintOf(env: Env): string {
  try {
    settingsIn(env);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("The settings were taken.");
}

const without = (env: Env, name: string): Env =>
  Object.fromEntries(Object.entries(env).filter(([key]) => key !== name));

describe("settings that are left out", () => {
  it("have their defaults", () => {
    expect(settingsIn(ofWorker)).toEqual({
      ...ofWorker,
      BRIDGE_VIA: "worker",
      BRIDGE_QUEUE: "flow-repository",
      BRIDGE_EXCHANGE: "event-bus",
      PRODUCT_URL: "http://localhost:8787",
      BRIDGE_BATCH: 100,
      BRIDGE_LEASE_SECONDS: 30,
      BRIDGE_HEALTH_PORT: 8790,
      BRIDGE_HEALTH_HOST: "127.0.0.1",
      LOG_LEVEL: "info",
    });
    expect(settingsIn(ofQueues)).toMatchObject({
      ...ofQueues,
      CLOUDFLARE_API_URL: "https://api.cloudflare.com/client/v4",
      BRIDGE_POLL_MS: 1000,
    });
  });

  it.each(Object.keys(settingsIn(ofWorker)).filter((name) => !(name in ofWorker)))("%s may be empty", (name) => {
    expect(settingsIn({ ...ofWorker, [name]: "" })).toEqual(settingsIn(ofWorker));
  });

  it.each(Object.keys(ofQueues).filter((name) => name !== "BRIDGE_VIA"))("%s is needed by way of queues", (name) => {
    expect(complaintOf(without(ofQueues, name))).toMatch(new RegExp(`^${name} is needed`));
    expect(complaintOf({ ...ofQueues, [name]: "" })).toMatch(new RegExp(`^${name} is needed`));
  });

  it.each(Object.keys(ofWorker))("%s is needed by way of the Worker", (name) => {
    expect(complaintOf(without(ofWorker, name))).toMatch(new RegExp(`^${name} is needed`));
  });

  it("are told together", () => {
    const { BRIDGE_VIA } = ofQueues;
    const names = complaintOf({ BRIDGE_VIA })
      .split("\n")
      .map((line) => line.split(" ", 1)[0]);
    const { BRIDGE_TOKEN: _, BRIDGE_VIA: __, ...needed } = ofQueues;
    expect(new Set(names)).toEqual(new Set(Object.keys(needed)));
  });
});

describe("a setting that is wrong is named, and its value is not told", () => {
  const whole = ["1.5", "-1", "many", `1${SECRET}`];
  it.each<[name: string, values: readonly string[], env?: Env]>([
    [
      "RABBITMQ_URL",
      [`http://guest:${SECRET}@broker`, `amqp:/${SECRET}`, `guest:${SECRET}@broker`, `amqp://${SECRET} x`],
    ],
    ["PRODUCT_URL", [`ftp://${SECRET}@host`, SECRET]],
    ["BRIDGE_TOKEN", [`${SECRET}\nmore`, `${SECRET} more`, `${SECRET}…`, " "]],
    ["BRIDGE_BATCH", [...whole, "0", "101"]],
    ["BRIDGE_LEASE_SECONDS", [...whole, "4", "3601"]],
    ["BRIDGE_HEALTH_PORT", [...whole, "65536"]],
    ["LOG_LEVEL", [SECRET, "INFO"]],
    ["BRIDGE_VIA", [SECRET, "both"]],
    ["CLOUDFLARE_API_URL", [`ftp://${SECRET}@host`, SECRET], ofQueues],
    ["CLOUDFLARE_ACCOUNT_ID", [SECRET, ofQueues.CLOUDFLARE_ACCOUNT_ID.toUpperCase()], ofQueues],
    ["CLOUDFLARE_API_TOKEN", [`${SECRET}\nmore`], ofQueues],
    ["BRIDGE_POLL_MS", [...whole, "49", "60001"], ofQueues],
  ])("%s", (name, values, env = ofWorker) => {
    const complaints = values.map((value) => complaintOf({ ...env, [name]: value }));
    for (const complaint of complaints) expect(complaint).toMatch(new RegExp(`^${name} `));
    expect(complaints.join("\n")).not.toContain(SECRET);
  });
});

describe("the broker's address", () => {
  const { RABBITMQ_URL: address, ...rest } = ofWorker;
  const other = "amqps://other:5671";
  it.each<[string, Env, string]>([
    ["RABBITMQ_URL", { RABBITMQ_URL: address }, address],
    ["RABBITMQ_URI, as the original calls it", { RABBITMQ_URI: address }, address],
    ["RABBITMQ_URL before RABBITMQ_URI", { RABBITMQ_URL: address, RABBITMQ_URI: other }, address],
    ["RABBITMQ_URI where RABBITMQ_URL is empty", { RABBITMQ_URL: "", RABBITMQ_URI: other }, other],
  ])("is %s", (_, given, expected) => {
    expect(settingsIn({ ...rest, ...given }).RABBITMQ_URL).toBe(expected);
  });

  it("is not told where it is wrong by its other name", () => {
    const complaint = complaintOf({ ...rest, RABBITMQ_URI: `http://guest:${SECRET}@broker` });
    expect(complaint).toMatch(/^RABBITMQ_URL is needed/);
    expect(complaint).not.toContain(SECRET);
  });
});

describe("the token", () => {
  const { BRIDGE_TOKEN: token, ...rest } = ofWorker;
  it("may be in a file, and loses what surrounds it", () => {
    expect(settingsIn({ ...rest, BRIDGE_TOKEN_FILE: "/run/token" })).toMatchObject({ BRIDGE_TOKEN_FILE: "/run/token" });
    expect(settingsIn({ ...rest, BRIDGE_TOKEN: ` ${token}\n` }).BRIDGE_TOKEN).toBe(token);
  });
});
