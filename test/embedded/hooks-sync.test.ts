import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";

import type { RunObject } from "../../src/index.ts";
import { someone } from "../support/given.ts";
import { asJson, hookFlowOf, postJson, receiptOf, runsOf } from "../support/hooks.ts";
import { replaceNetwork } from "../support/iam.ts";
import { activeFlow, ended, line, runOf } from "../support/runs.ts";
import { wire } from "../support/wire.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const receive = { id: "receive", componentId: "webhook", fields: { sync: true } };

/** Sends a payload to a synchronous hook behind whose first step stand others. */
async function asked(data: unknown, ...steps: Parameters<typeof line>) {
  const caller = await someone();
  const flowId = await activeFlow(caller, line(receive, ...steps));
  return { caller, flowId, answer: await postJson(flowId, data) };
}
const replying = (fields: object) => ({ id: "answer", componentId: "reply", fields });

/** Lets whoever waits 25 seconds lose patience at once. */
function losePatience() {
  const real = globalThis.setTimeout;
  vi.spyOn(globalThis, "setTimeout").mockImplementation((act: () => void, ms?: number) =>
    real(act, ms === 25_000 ? 0 : ms),
  );
}

/** Runs that can be begun, and not be waited for. */
const movedRuns = {
  getByName: (name: string) => ({
    start: (begin: Parameters<RunObject["start"]>[0]) => env.RUN.getByName(name).start(begin),
    awaitReply: () => Promise.reject(new Error("The object was moved.")),
  }),
};

describe("a synchronous hook", () => {
  it("answers as the flow replies: status, headers and body", async () => {
    const { answer, flowId } = await asked(
      { id: 7 },
      replying({
        status: 201,
        headers: { "x-order": "{{data.id}}", Location: "/orders/7" },
        body: { order: "{{data.id}}" },
      }),
    );
    expect([answer.status, await answer.json()]).toEqual([201, { order: 7 }]);
    expect(answer.headers.get("content-type")).toBe("application/json");
    expect(answer.headers.get("x-order")).toBe("7");
    expect(answer.headers.get("location")).toBe("/orders/7");
    expect(answer.headers.get("x-run-id")).toBe((await runsOf(flowId))[0]?.id);
  });

  it.each<[unknown, string, string]>([
    [{ n: 1 }, "application/json", '{"n":1}'],
    ["hello", "text/plain; charset=utf-8", "hello"],
  ])("answers the payload if the reply names no body", async (payload, type, text) => {
    const expression = JSON.stringify(payload);
    const { answer } = await asked({}, { id: "make", componentId: "transform", fields: { expression } }, replying({}));
    expect([answer.status, answer.headers.get("content-type"), await answer.text()]).toEqual([200, type, text]);
  });

  it.each([204, 304])("answers %i without a body", async (status) => {
    const { answer } = await asked({ n: 1 }, replying({ status, body: "never seen" }));
    expect([answer.status, await answer.text()]).toEqual([status, ""]);
  });

  it("answers at the reply, while the run goes on", async () => {
    const { caller, answer, flowId } = await asked({}, replying({ body: "soon" }), {
      id: "wait",
      componentId: "delay",
      fields: { seconds: 3600 },
    });
    expect(await answer.text()).toBe("soon");
    const [run] = await runsOf(flowId);
    expect(await runOf(caller, run!.id)).toMatchObject({ status: "running", endedAt: null });
  });

  it("answers the first reply of several", async () => {
    const { answer } = await asked({}, replying({ body: "one" }), { ...replying({ body: "two" }), id: "again" });
    expect(await answer.text()).toBe("one");
  });

  it("answers a GET too", async () => {
    const flowId = await activeFlow(await someone(), line(receive, replying({ body: "{{query.name}}" })));
    expect(await (await wire("GET", `/hook/${flowId}?name=Ada`)).text()).toBe("Ada");
  });

  it("keeps to itself what only the service says", async () => {
    const headers = {
      "set-cookie": "session=stolen",
      "content-security-policy": "default-src *; script-src * 'unsafe-inline'",
      "content-security-policy-report-only": "default-src *",
      "strict-transport-security": "max-age=0",
      "x-content-type-options": "sniff",
      "x-request-id": "forged",
      "x-run-id": "forged",
      "clear-site-data": '"*"',
      "service-worker-allowed": "/",
      "content-encoding": "gzip",
      "content-length": "1",
      "www-authenticate": "Basic",
      "access-control-allow-origin": "*",
      refresh: "0; url=https://elsewhere.example",
      location: "/elsewhere",
      "x-order": "z\u0142oty",
      "content-type": "text/html",
    };
    const { answer, flowId, caller } = await asked({}, replying({ headers, body: "<script>alert(1)</script>" }));
    expect(await answer.text()).toBe("<script>alert(1)</script>");
    const got = Object.fromEntries(answer.headers);
    for (const gone of [
      "set-cookie",
      "content-security-policy-report-only",
      "clear-site-data",
      "service-worker-allowed",
      "content-encoding",
      "www-authenticate",
      "access-control-allow-origin",
      "refresh",
      "location",
      "x-order",
    ]) {
      expect(got).not.toHaveProperty(gone);
    }
    expect(got).toMatchObject({
      "content-type": "text/html",
      "content-security-policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
      "strict-transport-security": expect.stringContaining("max-age=31536000"),
      "x-content-type-options": "nosniff",
      "x-run-id": (await runsOf(flowId))[0]?.id,
    });
    expect(got["x-request-id"]).not.toBe("forged");
    const { body: logs } = await caller.call("getStepLogs", { params: { id: flowId, stepId: "answer" } });
    const msg = expect.stringMatching(
      /^Headers left out of the reply: set-cookie, .*, x-order\. A flow may set cache-/,
    );
    expect(logs.data).toMatchObject([{ message: { level: "warn", msg } }]);
    expect(JSON.stringify(logs)).not.toContain("stolen");
  });

  it("tells how a run ended that replied nothing", async () => {
    const done = await asked({ n: 5 }, { id: "note", componentId: "log", fields: { message: "seen" } });
    expect(await receiptOf(done.answer)).toMatchObject({ message: "thank you", status: "completed" });
    const out = await asked({ n: 5 }, { id: "sieve", componentId: "filter", fields: { condition: "data.n > 9" } });
    expect(await receiptOf(out.answer)).toMatchObject({ status: "filtered" });
  });

  it("answers 502 with the code of the fault, and nothing else of it, if the run failed before it replied", async () => {
    const { answer, flowId } = await asked(
      {},
      { id: "stop", componentId: "error", fields: { code: "NO_STOCK", message: "The secret plan of room 17 is off." } },
      replying({ body: "never" }),
    );
    const [run] = await runsOf(flowId);
    expect(answer.headers.get("x-run-id")).toBe(run?.id);
    expect([answer.status, await answer.json()]).toEqual([
      502,
      {
        error: "The run ended before it replied.",
        errors: [
          { message: "The run ended before it replied.", detail: "NO_STOCK", code: 502, error: "HOOK_RUN_FAILED" },
        ],
      },
    ]);
  });

  it("answers 502 if the run was cancelled before it replied", async () => {
    const caller = await someone();
    const flowId = await activeFlow(
      caller,
      line(receive, { id: "wait", componentId: "delay", fields: { seconds: 3600 } }, replying({})),
    );
    const waiting = postJson(flowId, {});
    await expect.poll(async () => (await runsOf(flowId)).length).toBe(1);
    const [run] = await runsOf(flowId);
    await caller.call("cancelRun", { params: { id: run!.id } });
    expect([(await waiting).status, await (await waiting).json()]).toMatchObject([
      502,
      { errors: [{ error: "HOOK_RUN_FAILED", detail: "RUN_CANCELLED" }] },
    ]);
  });

  it("loses patience after 25 seconds: 202, and where the run is to be seen", async () => {
    losePatience();
    const { caller, answer } = await asked(
      {},
      { id: "wait", componentId: "delay", fields: { seconds: 3600 } },
      replying({}),
    );
    const { runId, status } = await receiptOf(answer.clone());
    expect([answer.status, answer.headers.get("location"), status]).toEqual([202, `/runs/${runId}`, undefined]);
    expect(await runOf(caller, runId)).toMatchObject({ status: "running" });
  });

  it("answers 202 too if the waiting is cut off, since the run goes on", async () => {
    const caller = await someone();
    const flowId = await activeFlow(caller, line(receive, replying({ body: "done" })));
    const answer = await postJson(flowId, {}, { env: { RUN: movedRuns } });
    expect(answer.status).toBe(202);
    expect(await ended(caller, (await receiptOf(answer)).runId)).toMatchObject({ status: "completed" });
  });

  it("is one only by the field of its webhook step", async () => {
    const caller = await someone();
    for (const sync of [undefined, false, "true", 1]) {
      const flowId = await activeFlow(
        caller,
        line({ id: "receive", componentId: "webhook", fields: { sync } }, replying({ body: "never told" })),
      );
      expect(await receiptOf(await postJson(flowId, {}))).not.toHaveProperty("status");
    }
  });
});

describe("a hook by which a flow calls itself", () => {
  it("is told how deep it is, and refuses what is deeper than ten", async () => {
    const flowId = await hookFlowOf(await someone());
    const at = (depth: string) => postJson(flowId, {}, { headers: { "x-flow-depth": depth } });
    expect((await at("10")).status).toBe(200);
    const answer = await at("11");
    expect([answer.status, await answer.json()]).toMatchObject([508, { errors: [{ error: "CALL_DEPTH" }] }]);
    expect((await at("nonsense")).status).toBe(200);
    expect((await runsOf(flowId)).length).toBe(2);
  });

  it("is refused as deep by a run that is begun by hand", async () => {
    const caller = await someone();
    const flowId = await hookFlowOf(caller);
    const depths: string[] = [];
    replaceNetwork(({ headers }) => (depths.push(headers.get("x-flow-depth")!), Response.json({})));
    const at = (depth: string, id = flowId) => {
      const headers = { ...asJson, authorization: caller.authorization, "x-flow-depth": depth };
      return wire("POST", `/flows/${id}/runs`, { headers, body: '{"data":{}}' });
    };
    const answer = await at("11");
    expect([answer.status, await answer.json()]).toMatchObject([508, { errors: [{ error: "CALL_DEPTH" }] }]);
    expect([(await at("10")).status, (await at("x")).status, (await runsOf(flowId)).length]).toEqual([201, 201, 2]);
    const url = "https://target.example/";
    const calls = await activeFlow(caller, line({ id: "call", componentId: "http", fields: { url } }));
    const begun = await (await at("4", calls)).json<{ data: { id: string } }>();
    expect([(await ended(caller, begun.data.id)).status, depths]).toEqual(["completed", ["5"]]);
  });

  it("comes to an end", async () => {
    const caller = await someone();
    const url = "https://flows.example/hook/{{params.flowId}}";
    const flowId = await activeFlow(
      caller,
      line(
        { id: "receive", componentId: "webhook" },
        { id: "call", componentId: "http", fields: { method: "POST", url }, nodeSettings: { retry: { attempts: 1 } } },
      ),
    );
    replaceNetwork(({ url: address, headers, body }) =>
      wire("POST", new URL(address).pathname, { headers: Object.fromEntries(headers), body }),
    );
    const { runId } = await receiptOf(await postJson(flowId, { n: 1 }));
    await ended(caller, runId);
    await expect.poll(async () => (await runsOf(flowId)).filter(({ status }) => status !== "running").length).toBe(11);
    const statuses = (await runsOf(flowId)).map(({ status }) => status);
    expect(statuses.toSorted()).toEqual([...Array<string>(10).fill("completed"), "failed"]);
  });
});
