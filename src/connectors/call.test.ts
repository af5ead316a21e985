import { exports } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";

import { replaceNetwork, type Asked } from "../../test/support/iam.ts";
import { callHttp, ConnectorError, type HttpCall } from "./call.ts";

const secret = "t0p-s3cret";
const base = { method: "GET", url: "https://a.example/", headers: {}, timeoutMs: 5000, mostBytes: 1000 };
const call = (changed: Partial<HttpCall>): Promise<unknown> => callHttp({ ...base, allowPrivate: false, ...changed });

async function faultOf(changed: Partial<HttpCall>): Promise<ConnectorError> {
  const error: unknown = await call(changed).catch((thrown: unknown) => thrown);
  if (!(error instanceof ConnectorError)) throw new Error("The call was not refused.", { cause: error });
  expect(`${error.message} ${error.stack} ${JSON.stringify(error)}`).not.toContain(secret);
  expect(error.cause).toBeUndefined();
  return error;
}

/** A network of answers by address. */
const answering = (answers: Record<string, () => Response>): Asked[] =>
  replaceNetwork(({ url }) => answers[url]?.() ?? new Response("not found", { status: 404 }));

const redirect = (location: string, status = 302, body: BodyInit | null = null) =>
  new Response(body, { status, headers: { location } });

/** A body that tells whether it was let go. `chunk` undefined never sends anything. */
function endless(chunk?: Uint8Array) {
  const cancelled = vi.fn<() => void>();
  const body = new ReadableStream<Uint8Array>(
    {
      pull: (controller) => (chunk === undefined ? new Promise<void>(() => undefined) : controller.enqueue(chunk)),
      cancel: cancelled,
    },
    { highWaterMark: 0 },
  );
  return { body, cancelled };
}

const only =
  (answer: Response | Error): typeof fetch =>
  () =>
    answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);

const throughRuntime: typeof fetch = (input, init) => exports.default.fetch(input, init);

/** Answers with the body that was sent. */
const echoing: typeof fetch = async (_, init) =>
  new Response(await new Response(init?.body as BodyInit).arrayBuffer(), {
    headers: { "content-type": "image/png" },
  });

/** Answers never, and fails when the signal says so. */
const heeding: typeof fetch = (_, init) =>
  new Promise((_resolve, reject) =>
    init?.signal?.addEventListener("abort", () => reject(new Error(`aborted ${secret}`))),
  );

afterEach(() => vi.restoreAllMocks());

describe("a call", () => {
  it("sends what the author says and reads the answer", async () => {
    const asked = answering({
      "https://a.example/orders?key=1": () =>
        Response.json(
          { grüß: "gott" },
          {
            status: 201,
            headers: [
              ["set-cookie", "a=1"],
              ["set-cookie", "b=2"],
            ],
          },
        ),
    });
    const answer = await call({
      method: "post",
      url: "https://a.example/orders?key=1",
      headers: { Authorization: "Bearer x", "Content-Type": "application/json" },
      body: '{"a":1}',
    });
    expect(answer).toEqual({
      status: 201,
      headers: { "content-type": "application/json", "set-cookie": "a=1, b=2" },
      text: '{"grüß":"gott"}',
      bytes: 17,
      url: "https://a.example/orders?key=1",
    });
    expect(asked).toHaveLength(1);
    expect(asked[0]).toMatchObject({ method: "POST", body: '{"a":1}' });
    expect(asked[0]?.headers.get("authorization")).toBe("Bearer x");
    expect(asked[0]?.headers.get("content-type")).toBe("application/json");
  });

  it("sends bytes and gives back bytes as base64", async () => {
    const answer = await call({ method: "PUT", body: new Uint8Array([0, 255, 128]), fetch: echoing });
    expect(answer).toMatchObject({ text: "AP+A", encoding: "base64", bytes: 3 });
  });

  it("goes through the fetch of the runtime", async () => {
    const answer = await call({ url: "https://flows.example/no-such-path?x=1", fetch: throughRuntime });
    expect(answer).toMatchObject({ status: 404, url: "https://flows.example/no-such-path?x=1" });
    expect(answer).toHaveProperty("text", expect.stringContaining('"NOT_FOUND"'));
    expect(
      await faultOf({ url: "https://flows.example/healthcheck", mostBytes: 5, fetch: throughRuntime }),
    ).toMatchObject({
      code: "ANSWER_TOO_LARGE",
    });
  });

  it("follows no redirect by itself and takes nothing from the cache", async () => {
    const by = vi.fn<typeof fetch>(() => Promise.resolve(new Response()));
    await call({ fetch: by });
    expect(by.mock.calls[0]?.[1]).toMatchObject({ redirect: "manual", cache: "no-store" });
  });

  it.each([200, 204, 304, 404, 500])("gives back the answer %i as it is", async (status) => {
    const answer = new Response(status === 204 || status === 304 ? null : "text", { status });
    expect(await call({ fetch: only(answer) })).toMatchObject({ status });
  });

  it("takes what HEAD says of a body for no body", async () => {
    const { body, cancelled } = endless();
    const answer = new Response(body, { headers: { "content-length": "5000", "content-type": "image/png" } });
    expect(await call({ method: "HEAD", fetch: only(answer) })).toMatchObject({ status: 200, text: "", bytes: 0 });
    expect(cancelled).toHaveBeenCalledOnce();
  });
});

describe("a call that is not made", () => {
  it.each<[string, string, Partial<HttpCall>]>([
    ["REQUEST_INVALID", "no url", { url: secret }],
    ["REQUEST_INVALID", "a relative url", { url: `/orders?key=${secret}` }],
    ["REQUEST_INVALID", "a method that is none", { method: secret }],
    ["REQUEST_INVALID", "CONNECT", { method: "CONNECT" }],
    ["REQUEST_INVALID", "TRACE", { method: "TRACE" }],
    ["REQUEST_INVALID", "a GET with a body", { body: secret }],
    ["REQUEST_INVALID", "a header of the connection", { headers: { host: secret } }],
    ["REQUEST_INVALID", "a header with a line break", { headers: { accept: `a\n${secret}` } }],
    ["REQUEST_INVALID", "no time", { timeoutMs: Number.NaN }],
    ["REQUEST_INVALID", "no limit", { mostBytes: Number.NaN }],
    ["ADDRESS_REFUSED", "a private address", { url: `http://10.0.0.1/?key=${secret}` }],
    ["ADDRESS_REFUSED", "credentials", { url: `https://ada:${secret}@a.example/` }],
    ["ADDRESS_REFUSED", "credentials in private", { url: `https://ada:${secret}@a.example/`, allowPrivate: true }],
    ["ADDRESS_REFUSED", "another scheme in private", { url: "ftp://a.example/", allowPrivate: true }],
  ])("%s: %s", async (code, _, changed) => {
    const by = vi.fn<typeof fetch>();
    expect(await faultOf({ ...changed, fetch: by })).toMatchObject({ code, mayPass: false, name: "ConnectorError" });
    expect(by).not.toHaveBeenCalled();
  });

  it("is made to a private address where that is allowed", async () => {
    const by = vi.fn<typeof fetch>(() => Promise.resolve(new Response("here")));
    expect(await call({ url: "http://127.0.0.1:8787/", allowPrivate: true, fetch: by })).toMatchObject({
      text: "here",
    });
  });
});

describe("an answer that is too large", () => {
  it("is cut off while it is read", async () => {
    const { body, cancelled } = endless(new Uint8Array(400));
    expect(await faultOf({ fetch: only(new Response(body)) })).toMatchObject({
      code: "ANSWER_TOO_LARGE",
      mayPass: false,
      message: "https://a.example answered more than the 1000 bytes that are read.",
    });
    expect(cancelled).toHaveBeenCalledOnce();
  });

  it("is not read if it says so beforehand", async () => {
    const { body, cancelled } = endless();
    const answer = new Response(body, { headers: { "content-length": "1001" } });
    expect(await faultOf({ fetch: only(answer) })).toMatchObject({ code: "ANSWER_TOO_LARGE" });
    expect(cancelled).toHaveBeenCalledOnce();
  });

  it("is none with exactly the bytes that are read", async () => {
    const answer = new Response("x".repeat(1000), { headers: { "content-length": "1000" } });
    expect(await call({ fetch: only(answer) })).toMatchObject({ bytes: 1000 });
  });
});

describe("an answer that does not come", () => {
  const late = { code: "TIMEOUT", mayPass: true, message: "https://a.example did not answer in full within 2 ms." };
  const url = `https://a.example/?key=${secret}`;

  it("ends with the deadline where the network heeds the signal", async () => {
    const by = vi.fn<typeof fetch>(heeding);
    expect(await faultOf({ url, timeoutMs: 2, fetch: by })).toMatchObject(late);
    expect(by.mock.calls[0]?.[1]?.signal?.aborted).toBe(true);
  });

  it("ends with the deadline where it does not, and lets go of what comes after", async () => {
    const { body, cancelled } = endless();
    const answered = Promise.withResolvers<Response>();
    expect(await faultOf({ url, timeoutMs: 2, fetch: () => answered.promise })).toMatchObject(late);
    answered.resolve(new Response(body));
    await vi.waitFor(() => expect(cancelled).toHaveBeenCalledOnce());
  });

  it("ends with the deadline in the midst of the body", async () => {
    const { body, cancelled } = endless();
    expect(await faultOf({ url, timeoutMs: 2, fetch: only(new Response(body)) })).toMatchObject(late);
    expect(cancelled).toHaveBeenCalledOnce();
  });

  it("has one deadline for all hops", async () => {
    const forget = vi.spyOn(globalThis, "clearTimeout");
    const signals: (AbortSignal | null | undefined)[] = [];
    const by: typeof fetch = async (_, init) => {
      signals.push(init?.signal);
      return signals.length < 3 ? redirect("/on") : new Response();
    };
    await call({ fetch: by });
    expect(signals).toHaveLength(3);
    expect(signals[0]).toBeInstanceOf(AbortSignal);
    expect(new Set(signals).size).toBe(1);
    expect(forget).toHaveBeenCalledOnce();
  });

  it.each<[string, typeof fetch]>([
    ["fails", only(new TypeError(`no route to ${secret}`))],
    [
      "fails at once",
      () => {
        throw new TypeError(secret);
      },
    ],
  ])("is a fault of the network if it %s", async (_, by) => {
    expect(await faultOf({ url, fetch: by })).toMatchObject({
      code: "NETWORK",
      mayPass: true,
      message: "https://a.example could not be reached.",
    });
  });

  it("is a fault of the network if it breaks off", async () => {
    const body = new ReadableStream({ pull: (controller) => controller.error(new Error(secret)) });
    expect(await faultOf({ url, fetch: only(new Response(body)) })).toMatchObject({
      code: "NETWORK",
      message: "The answer of https://a.example broke off before its end.",
    });
  });
});

describe("an answer of the network's own", () => {
  it("lets go of its abandoned body", async () => {
    const { body, cancelled } = endless();
    await call({
      fetch: vi
        .fn<typeof fetch>()
        .mockResolvedValueOnce(redirect("/on", 302, body))
        .mockResolvedValue(new Response()),
    });
    expect(cancelled).toHaveBeenCalledOnce();
  });
});
