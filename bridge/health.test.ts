import { createServer, type AddressInfo } from "node:net";
import type { Server } from "node:http";

import { afterEach, describe, expect, it } from "vitest";

import { serveHealth } from "./health.ts";
import { logAs, wordsOf } from "./log.ts";
import type { Backlog, Product } from "./product.ts";
import type { Bridge } from "./session.ts";
import { settingsIn } from "./settings.ts";
import { healthOf, State } from "./state.ts";

const SECRET = "s3cret-of-nobody";
const product = (backlog?: Backlog): Product => ({
  sources: [{ name: "mailbox", pull: async () => [], settle: async () => undefined, backlog: () => backlog }],
  take: async () => [],
  documentOf: async () => undefined,
});

function connected(change: (state: State) => void = () => undefined): State {
  const state = new State();
  state.hasAnswered = true;
  state.broker = { connected: true, blocked: false, since: 0, failures: 0, lastError: null };
  change(state);
  return state;
}

describe("health", () => {
  const now = Date.parse("2026-11-22T02:00:00.000Z");
  it.each<[string, "pass" | "warn" | "fail", (state: State) => void]>([
    ["connected, the product answers", "pass", () => undefined],
    ["not connected", "fail", (state) => (state.broker.connected = false)],
    ["blocked", "fail", (state) => (state.broker.blocked = true)],
    ["the product silent for less than 30 s", "pass", (state) => state.productFailed("reports", "x", now - 29_999)],
    ["the product refuses for good", "fail", (state) => state.productFailed("mailbox", "403", now, false)],
    ["the product has never answered", "fail", (state) => (state.hasAnswered = false)],
    [
      "a command has found no queue",
      "warn",
      (state) => (state.lastUnrouted = { name: "flow.starting", at: now - 1000 }),
    ],
    [
      "a command found no queue long ago",
      "pass",
      (state) => (state.lastUnrouted = { name: "flow.starting", at: now - 120_000 }),
    ],
    ["the product silent for 30 s", "fail", (state) => state.productFailed("reports", "x", now - 30_000)],
  ])("%s: %s", (_, status, change) => {
    expect(healthOf(connected(change), product(), now).status).toBe(status);
  });

  it("counts the silence from its first failure, and ends it with an answer", () => {
    const state = connected();
    state.productFailed("mailbox", "first", now);
    state.productFailed("mailbox", "second", now + 1);
    expect(state.silence).toEqual({ part: "mailbox", since: now, error: "second", mayPass: true });
    state.productAnswered("mailbox");
    expect(state.silence).toBeUndefined();
  });

  it("tells of the part that has been silent for longest, whatever works beside it", () => {
    const state = connected();
    state.productFailed("mailbox", "away", now + 1);
    state.productFailed("reports", "refused", now);
    state.productAnswered("mailbox");
    expect(state.silence).toEqual({ part: "reports", since: now, error: "refused", mayPass: true });
    expect(healthOf(state, product(), now + 30_000).status).toBe("fail");
  });

  it("tells of both sides, and what it has done", () => {
    const state = connected((one) => {
      Object.assign(one, { began: now - 90_400, published: 1, unrouted: 2, superseded: 3, delivered: 4, deferred: 5 });
      one.broker = { connected: false, blocked: false, since: now - 1000, failures: 3, lastError: "lost" };
      one.productFailed("mailbox", "silent", now - 2000);
    });
    expect(healthOf(state, product({ messages: 7, oldestSeconds: 0.5 }), now)).toEqual({
      status: "fail",
      uptimeSeconds: 90,
      broker: { connected: false, blocked: false, since: "2026-11-22T01:59:59.000Z", failures: 3, lastError: "lost" },
      product: {
        reachable: false,
        silentPart: "mailbox",
        silentSince: "2026-11-22T01:59:58.000Z",
        lastError: "silent",
        backlog: { mailbox: { messages: 7, oldestSeconds: 0.5 } },
      },
      counts: { published: 1, unrouted: 2, superseded: 3, delivered: 4, deferred: 5 },
    });
    expect(healthOf(connected(), product()).product).toEqual({
      reachable: true,
      silentPart: null,
      silentSince: null,
      lastError: null,
      backlog: { mailbox: null },
    });
  });
});

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });

function bridgeAt(port: number, state: State): Bridge {
  const settings = settingsIn({
    RABBITMQ_URL: `amqp://guest:${SECRET}@broker`,
    BRIDGE_TOKEN: SECRET,
    BRIDGE_HEALTH_PORT: String(port),
  });
  return { settings, product: product(), state, log: logAs("silent") };
}

describe("the health endpoint", () => {
  let server: Server | undefined;
  afterEach(() => server?.close());

  async function served(state: State): Promise<(path: string, method?: string) => Promise<Response>> {
    const port = await freePort();
    server = await serveHealth(bridgeAt(port, state));
    return (path, method = "GET") => fetch(`http://127.0.0.1:${port}${path}`, { method });
  }

  it.each<[method: string, path: string, well: number, ill: number, told: string]>([
    ["GET", "/health", 200, 503, `"broker"`],
    ["GET", "/health?verbose=1", 200, 503, `"broker"`],
    ["HEAD", "/health", 200, 503, ""],
    ["GET", "/live", 200, 200, `{"status":"pass"}\n`],
    ["HEAD", "/live", 200, 200, ""],
    ["POST", "/health", 404, 404, `{"status":"not found"}\n`],
    ["DELETE", "/live", 404, 404, `{"status":"not found"}\n`],
    ["GET", "/", 404, 404, `{"status":"not found"}\n`],
    ["GET", "/health/more", 404, 404, `{"status":"not found"}\n`],
  ])("answers %s %s with %i, and where it is not well with %i", async (method, path, well, ill, told) => {
    const state = connected();
    const call = await served(state);
    const answers = [await call(path, method)];
    state.broker.connected = false;
    answers.push(await call(path, method));
    expect(answers.map(({ status }) => status)).toEqual([well, ill]);
    for (const answer of answers) {
      expect(answer.headers.get("content-type")).toBe("application/json");
      expect(answer.headers.get("cache-control")).toBe("no-store");
      expect(await answer.text()).toContain(told);
    }
  });

  it("tells no secret", async () => {
    const state = connected();
    const error = wordsOf(new Error(`connect amqp://guest:${SECRET}@broker`));
    state.broker.lastError = error;
    state.productFailed("mailbox", error);
    const call = await served(state);
    const text = await (await call("/health")).text();
    expect(text).toContain("connect amqp://…@broker");
    expect(text).not.toContain(SECRET);
    expect(text).not.toContain("RABBITMQ");
  });

  it("is not there where no port is wanted, and says where the port is taken", async () => {
    expect(await serveHealth(bridgeAt(0, connected()))).toBeUndefined();
    const port = await freePort();
    server = await serveHealth(bridgeAt(port, connected()));
    await expect(serveHealth(bridgeAt(port, connected()))).rejects.toThrow("EADDRINUSE");
  });
});
