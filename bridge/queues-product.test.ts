import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { syncBuiltinESMExports } from "node:module";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import timers from "node:timers/promises";

import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";

import type { Product, Source } from "./product.ts";
import { queuesProduct } from "./queues-product.ts";
import { settingsIn, type QueueSettings } from "./settings.ts";

const ACCOUNT = "0123456789abcdef0123456789abcdef";
const API_TOKEN = "token-for-cloudflare";
const flow = "6b025a4bef2fe4ca09ca0056";

interface Call {
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly token: string | undefined;
  readonly type: string | undefined;
  readonly body: unknown;
}
type Answer = [status: number, body: unknown, headers?: Record<string, string>];

/** Cloudflare's API, and the Worker beside it: answers as it is told, and keeps what it was asked. */
const calls: Call[] = [];
let answerTo: (call: Call) => Answer = () => [500, ""];

const server = createServer((request, response) => void answer(request, response));

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const text = await textOf(request);
  const { method, url: path, headers } = request;
  const body: unknown = text === "" ? undefined : JSON.parse(text);
  const call = { method, path, token: headers.authorization, type: headers["content-type"], body };
  calls.push(call);
  const [status, told, more = {}] = answerTo(call);
  response.writeHead(status, { "content-type": "application/json", ...more });
  response.end(typeof told === "string" ? told : JSON.stringify(told));
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

let address = "";
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
});
afterEach(() => {
  calls.length = 0;
  vi.restoreAllMocks();
  syncBuiltinESMExports();
});

const product = (more: Record<string, string> = {}): Product =>
  queuesProduct(
    settingsIn({
      RABBITMQ_URL: "amqp://broker",
      PRODUCT_URL: `${address}/worker/`,
      BRIDGE_TOKEN: "token-for-the-worker",
      BRIDGE_VIA: "queues",
      CLOUDFLARE_API_URL: `${address}/client/v4/`,
      CLOUDFLARE_ACCOUNT_ID: ACCOUNT,
      CLOUDFLARE_API_TOKEN: API_TOKEN,
      COMMANDS_QUEUE_ID: "q-commands",
      NOTICES_QUEUE_ID: "q-notices",
      REPORTS_QUEUE_ID: "q-reports",
      ...more,
    }) as QueueSettings,
  );
const commands = (more?: Record<string, string>): Source => product(more).sources[0]!;
const forever = new AbortController().signal;
const asked = (path: string, body: unknown): Call => ({
  method: "POST",
  path: `/client/v4/accounts/${ACCOUNT}/queues/${path}`,
  token: `Bearer ${API_TOKEN}`,
  type: "application/json",
  body,
});

const success = (result: unknown): Answer => [200, { success: true, errors: [], messages: [], result }];
const failure = (status: number, message: string): Answer => [
  status,
  { success: false, errors: [{ code: 10_000, message }], messages: [], result: null },
];
const base64 = (text: string): string => Buffer.from(text).toString("base64");
const message = { headers: { name: "flow.starting", statusSeq: 1 }, payload: { id: flow, name: "Über" } };
const pulled = (body: unknown, lease: string, more: object = { attempts: 1 }) => ({
  body,
  id: "1ad27d24c83de78953da635dc2ea208f",
  timestamp_ms: 1689615013586,
  metadata: { "CF-sourceMessageSource": "worker", "CF-Content-Type": "json" },
  lease_id: lease,
  ...more,
});

describe("pulling", () => {
  it("asks each queue for a batch and a lease, and keeps the order of what it is told", async () => {
    const leases = ["c", "a", "b"];
    const messages = leases.map((lease, at) => pulled(base64(JSON.stringify(message)), lease, { attempts: at + 1 }));
    answerTo = () => success({ message_backlog_count: 7, messages });
    const { sources } = product({ BRIDGE_BATCH: "20", BRIDGE_LEASE_SECONDS: "45" });
    expect(sources.map((source) => source.backlog())).toEqual([undefined, undefined]);
    for (const source of sources) {
      const parcels = await source.pull(forever);
      expect(parcels).toEqual(leases.map((lease, at) => ({ lease, attempts: at + 1, message })));
    }
    const order = { batch_size: 20, visibility_timeout_ms: 45_000 };
    expect(calls).toEqual([asked("q-commands/messages/pull", order), asked("q-notices/messages/pull", order)]);
    expect(sources.map(({ name }) => name)).toEqual(["flow-commands", "flow-notices"]);
    expect(sources[0]!.backlog()).toEqual({ messages: 7, oldestSeconds: null });
  });

  const text = JSON.stringify(message);
  it.each<[string, unknown, unknown]>([
    ["JSON in base64", base64(text), message],
    ["JSON in base64 without padding", base64(text).replace(/=+$/, ""), message],
    ["JSON as a text", text, message],
    ["JSON as it is", message, message],
    ["a text", "hello", undefined],
    ["a text in base64", base64("hello"), undefined],
    ["a number", "12", undefined],
    ["null", null, undefined],
    ["something else in base64", base64(`{"headers":{},"payload":{}}`), undefined],
    ["a payload that is none", base64(`{"headers":{"name":"flow.stopping"},"payload":null}`), undefined],
    ["nothing", undefined, undefined],
  ])("reads %s", async (_, body, expected) => {
    answerTo = () => success({ messages: [pulled(body, "l", {})] });
    expect(await commands().pull(forever)).toEqual([{ lease: "l", attempts: 1, message: expected }]);
  });

  it.each([{ messages: [], message_backlog_count: 0 }, { messages: null }, {}])(
    "waits a while when it is told %j",
    async (result) => {
      const pause = vi.spyOn(timers, "setTimeout").mockResolvedValue(undefined);
      syncBuiltinESMExports();
      answerTo = () => success(result);
      expect(await commands({ BRIDGE_POLL_MS: "1234" }).pull(forever)).toEqual([]);
      expect(pause.mock.calls).toEqual([[1234, undefined, { signal: forever }]]);
    },
  );

  it("does not wait when there was something, or when the signal comes", async () => {
    const pause = vi.spyOn(timers, "setTimeout");
    syncBuiltinESMExports();
    answerTo = () => success({ messages: [pulled(text, "l")] });
    await commands().pull(forever);
    expect(pause).not.toHaveBeenCalled();
    const stop = new AbortController();
    pause.mockImplementation(async (_, value) => {
      stop.abort();
      return value!;
    });
    answerTo = () => success({ messages: [] });
    expect(await commands({ BRIDGE_POLL_MS: "60000" }).pull(stop.signal)).toEqual([]);
    await expect(commands().pull(stop.signal)).rejects.toThrow("aborted");
  });
});

describe("settling", () => {
  it("tells leases that are done with, and after how many seconds others are to come again", async () => {
    answerTo = () => success({ ackCount: 2, retryCount: 1, warnings: { b: "unknown" } });
    await commands().settle({ acks: ["a", "b"], retries: [{ lease: "c", delaySeconds: 60 }] });
    await product().sources[1]!.settle({ acks: [], retries: [] });
    expect(calls).toEqual([
      asked("q-commands/messages/ack", {
        acks: [{ lease_id: "a" }, { lease_id: "b" }],
        retries: [{ lease_id: "c", delay_seconds: 60 }],
      }),
      asked("q-notices/messages/ack", { acks: [], retries: [] }),
    ]);
  });
});

const report = (at: number, more: object = {}) => ({
  headers: { name: "flow.started" },
  payload: { id: flow, at, ...more },
});
const bodies = () =>
  calls.map(({ body }) => (body as { messages: { body: unknown; content_type: string }[] }).messages);

describe("pushing", () => {
  it("sends messages as JSON, in their order", async () => {
    answerTo = () => success({ metadata: { metrics: { backlog_count: 2, backlog_bytes: 200 } } });
    expect(await product().take([report(1), report(2)])).toEqual([true, true]);
    expect(calls).toEqual([
      asked("q-reports/messages/batch", {
        messages: [report(1), report(2)].map((body) => ({ body, content_type: "json" })),
      }),
    ]);
    expect(await product().take([])).toEqual([]);
    expect(calls).toHaveLength(1);
  });

  it.each<[string, number, number, number[]]>([
    ["as many as a batch may have", 250, 0, [100, 100, 50]],
    ["as many bytes as a batch may have", 5, 90_000, [2, 2, 1]],
    ["of one that is too large what is read of it", 3, 150_000, [3]],
  ])("sends at once %s", async (_, count, bytes, batches) => {
    answerTo = () => success({});
    const messages = Array.from({ length: count }, (__, at) => report(at, { reason: "x".repeat(bytes) }));
    expect(await product().take(messages)).toEqual(messages.map(() => true));
    expect(bodies().map(({ length }) => length)).toEqual(batches);
    for (const { body } of calls) expect(Buffer.byteLength(JSON.stringify(body))).toBeLessThan(256_000);
    const sent = bodies().flat() as { body: { payload: { id: string; at?: number } } }[];
    expect(sent.map(({ body }) => body.payload.id)).toEqual(messages.map(() => flow));
  });

  it("has taken nothing if a batch was not", async () => {
    answerTo = () => (calls.length === 1 ? success({}) : failure(429, "Too Many Requests"));
    await expect(product().take(Array.from({ length: 150 }, (_, at) => report(at)))).rejects.toThrow("429");
  });
});

describe("an answer that is no success", () => {
  const verbs: [string, () => Promise<unknown>][] = [
    ["pull", () => commands().pull(forever)],
    ["ack", () => commands().settle({ acks: ["l"], retries: [] })],
    ["batch", () => product().take([message])],
  ];
  const answers: [string, Answer, string][] = [
    ["success: false", [200, { success: false, errors: [], messages: [], result: { messages: [] } }], "success"],
    ["403", failure(403, "Authentication error"), "answered 403: Authentication error"],
    ["404", failure(404, "Queue not found"), "answered 404: Queue not found"],
    ["429", failure(429, "Too Many Requests"), "answered 429: Too Many Requests"],
    ["500", [500, "<html>"], "answered 500"],
    ["503 with odd errors", [503, { errors: [{ message: 7 }] }], "answered 503"],
    ["204", [204, ""], "answered 204"],
    ["no JSON", [200, "<html>"], "JSON"],
    ["JSON that says nothing", [200, "7"], "expected object"],
    ...[301, 302, 307, 308].map((status): [string, Answer, string] => [
      `a redirect with ${status}`,
      [status, "", { location: "/elsewhere" }],
      `answered ${status}`,
    ]),
  ];
  it.each(verbs.flatMap(([verb, call]) => answers.map((one) => [verb, ...one, call] as const)))(
    "to %s, %s, is thrown, is not followed and tells no token",
    async (_, __, given, told, call) => {
      answerTo = () => given;
      const error = await call().then(
        () => undefined,
        (reason: Error) => reason,
      );
      expect(error?.message).toContain(told);
      expect(`${error?.stack}`).not.toContain(API_TOKEN);
      expect(calls).toHaveLength(1);
    },
  );
});

describe("a flow that was too large for a queue", () => {
  it("comes from the Worker, with the Worker's token", async () => {
    answerTo = () => [200, { data: { name: "Large" }, meta: {} }];
    expect(await product().documentOf(flow, 3)).toEqual({ name: "Large" });
    const [{ method, path, token }] = calls as [Call];
    expect([method, path, token]).toEqual(["GET", `/worker/bridge/flows/${flow}/3`, "Bearer token-for-the-worker"]);
  });

  it("is gone where the Worker does not know it, and unknown where it does not answer", async () => {
    answerTo = () => failure(404, "Flow not found");
    expect(await product().documentOf(flow, 3)).toBeUndefined();
    answerTo = () => failure(503, "Later");
    await expect(product().documentOf(flow, 3)).rejects.toThrow("answered 503: Later");
  });

  it("comes with the token that the file has by now, and never with what is no token", async () => {
    const folder = mkdtempSync(join(tmpdir(), "bridge-"));
    const file = join(folder, "token");
    answerTo = () => [200, { data: {} }];
    const by = product({ BRIDGE_TOKEN_FILE: file });
    for (const held of ["one\n", " two "]) {
      writeFileSync(file, held);
      await by.documentOf(flow, 1);
    }
    expect(calls.map(({ token }) => token)).toEqual(["Bearer one", "Bearer two"]);
    for (const held of ["", "s3cret\nmore", "s3cret…"]) {
      writeFileSync(file, held);
      await expect((async () => by.documentOf(flow, 1))()).rejects.toThrow(/^The file that BRIDGE_TOKEN_FILE names/);
    }
    rmSync(folder, { recursive: true });
    expect(calls).toHaveLength(2);
  });
});
