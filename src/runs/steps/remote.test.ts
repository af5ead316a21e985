import { describe, expect, it } from "vitest";

import type { MappedComponent } from "../../components/model.ts";
import { SecretFault } from "../../secrets/fault.ts";
import { StepFault, type StepCall, type World } from "../steps.ts";
import { remote } from "./remote.ts";

const COMPONENT = "5ca5c44c187c040010a9bb8b";
const mapped: MappedComponent = {
  id: COMPONENT,
  name: "CRM",
  description: null,
  endpoint: "https://crm.example.com/process?key=hidden",
  binding: null,
  secret: false,
  functions: [],
  updatedAt: 0,
};

interface Given {
  readonly component?: Partial<MappedComponent> | null;
  readonly answer?: ((request: Request) => Response | Promise<Response>) | undefined;
  readonly message?: Record<string, unknown>;
  readonly settings?: Record<string, unknown>;
  readonly secret?: string;
  readonly step?: string;
  readonly world?: Partial<World>;
}

/** One call of the step, with all that it did to the world. */
function given({ component = {}, answer, message, settings = {}, secret, step = "s1", world }: Given = {}) {
  const requests: Request[] = [];
  const kept: [string, unknown][] = [];
  const opened: string[] = [];
  const fetching = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    const request = new Request(input, init);
    requests.push(request.clone());
    return answer === undefined ? Response.json({ data: 1 }) : answer(request);
  };
  const call = {
    step: { id: step, component: COMPONENT, function: "poll", fields: { limit: 5, a: "{{data.a}}" }, settings, secret },
    message: { data: { a: 1 }, ...message },
    item: { id: 7, step, attempts: 2 },
    facts: { id: "run_1", flowId: "flow1", tenant: "t1", depth: 3 },
    world: {
      config: { HTTP_ALLOW_PRIVATE: "false" },
      now: () => 0,
      fetch: fetching,
      component: () => Promise.resolve(component === null ? undefined : { ...mapped, ...component }),
      service: (binding: string) => (binding === "COMPONENT_CRM" ? { fetch: fetching } : undefined),
      secret: (id: string) => {
        opened.push(id);
        return Promise.resolve({ id, type: "MIXED", value: { limit: 9, token: "geheim" } });
      },
      snapshot: {
        get: () => Promise.resolve({ since: 3 }),
        put: (of: string, value: unknown) => Promise.resolve(void kept.push([of, value])),
      },
      ...world,
    },
  } as unknown as StepCall;
  return { requests, kept, opened, run: () => remote(call, () => undefined) };
}

async function faultOf(run: () => Promise<unknown>) {
  try {
    await run();
  } catch (error) {
    if (error instanceof StepFault) return error.fault;
    throw error;
  }
  throw new Error("No fault was thrown.");
}

describe("what a component gets", () => {
  it("is the message with all that belongs to the step, under a key", async () => {
    const { run, requests, opened } = given({
      message: { metadata: { m: 1 }, attachments: { f: 1 }, passthrough: { p: 1 }, method: "POST", query: { q: "1" } },
      settings: { timeout: 5 },
      secret: "5ca5c44c187c040010a9bb8c",
    });
    await run();
    expect(requests).toHaveLength(1);
    const [request] = requests;
    expect([request!.method, request!.url]).toEqual(["POST", mapped.endpoint]);
    expect(Object.fromEntries(request!.headers)).toMatchObject({
      "content-type": "application/json",
      "idempotency-key": "run_1/s1/7",
      "x-flow-id": "flow1",
      "x-flow-depth": "4",
    });
    expect(await request!.json()).toEqual({
      id: "run_1/s1/7",
      flowId: "flow1",
      runId: "run_1",
      stepId: "s1",
      function: "poll",
      data: { a: 1 },
      metadata: { m: 1 },
      attachments: { f: 1 },
      passthrough: { p: 1 },
      method: "POST",
      query: { q: "1" },
      config: { limit: 5, a: "{{data.a}}", nodeSettings: { timeout: 5 } },
      snapshot: { since: 3 },
      tenant: "t1",
      attempt: 3,
    });
    expect(opened).toEqual([]);
  });

  it("is the secret's value only if it was mapped so and the step names one", async () => {
    const id = "5ca5c44c187c040010a9bb8c";
    const { run, requests, opened } = given({ component: { secret: true }, secret: id });
    await run();
    expect(opened).toEqual([id]);
    const { config } = await requests[0]!.json<{ config: unknown }>();
    expect(config).toEqual({ limit: 9, a: "{{data.a}}", token: "geheim", nodeSettings: {} });
    const without = given({ component: { secret: true } });
    await without.run();
    expect(without.opened).toEqual([]);
  });

  it("is nothing if the secret cannot be had", async () => {
    const world = { secret: () => Promise.reject(new SecretFault("Not yours.", false)) };
    const { run, requests } = given({ component: { secret: true }, secret: "x", world });
    await expect(run()).rejects.toBeInstanceOf(SecretFault);
    expect(requests).toEqual([]);
  });

  it("comes under a key of plain characters, whatever the step is called", async () => {
    const { run, requests } = given({ step: "größe/1" });
    await run();
    expect(requests[0]!.headers.get("idempotency-key")).toBe("run_1/gr%C3%B6%C3%9Fe%2F1/7");
  });

  it("goes over a service binding if it was mapped so, and not over the network", async () => {
    const component = { endpoint: null, binding: "COMPONENT_CRM" };
    const world = { fetch: () => Promise.reject(new Error("No network here.")) };
    const { run, requests } = given({ component, world });
    expect(await run()).toMatchObject({ kind: "sent", messages: [{ data: 1 }] });
    expect(requests[0]!.url).toBe("https://component/");
  });
});

describe("what a component answers", () => {
  it("goes on in the place of the message", async () => {
    const { run } = given({
      answer: () => Response.json({ data: { b: 2 } }, { status: 201 }),
      message: { metadata: { m: 1 } },
    });
    expect(await run()).toEqual({
      kind: "sent",
      messages: [{ data: { b: 2 }, metadata: { m: 1 } }],
    });
  });

  it("may be nothing", async () => {
    const { run } = given({ answer: () => new Response(null, { status: 204 }) });
    expect(await run()).toEqual({ kind: "sent", messages: [] });
  });

  it("is remembered when it is known where the messages go, not before", async () => {
    const { run, kept } = given({ answer: () => Response.json({ data: 1, snapshot: { since: 4 } }) });
    const answer = await run();
    expect(kept).toEqual([]);
    await (answer as { keep: () => Promise<void> }).keep();
    expect(kept).toEqual([["s1", { since: 4 }]]);
  });

  it("is not remembered of a message that is put off", async () => {
    const { run, kept } = given({ answer: () => Response.json({ rebound: true, snapshot: 1 }) });
    expect(await run()).toEqual({ kind: "rebound" });
    expect(kept).toEqual([]);
  });

  it.each([
    [400, false],
    [401, false],
    [404, false],
    [408, true],
    [429, true],
    [500, true],
    [501, false],
    [503, true],
  ])("with the status %i is a fault that may pass: %s", async (status, mayPass) => {
    const answer = () => new Response("geheim", { status, headers: { "retry-after": "7" } });
    expect(await faultOf(given({ answer }).run)).toEqual({
      code: "COMPONENT_STATUS",
      message: `The component CRM answered ${status}.`,
      mayPass,
      waitMs: 7000,
    });
  });

  it.each<[string, Given["answer"], string, boolean]>([
    ["a redirect", () => Response.redirect("https://elsewhere.example/", 307), "COMPONENT_ADDRESS_REFUSED", false],
    ["nothing at all", () => Promise.reject(new TypeError("hidden")), "COMPONENT_NETWORK", true],
    ["too much", () => new Response("x".repeat(1024 * 1024 + 1)), "COMPONENT_ANSWER_TOO_LARGE", false],
    ["no JSON", () => new Response("hidden"), "COMPONENT_ANSWER_INVALID", false],
    ["that it failed", () => Response.json({ error: { message: "No." } }), "COMPONENT_ERROR", false],
  ])("by %s is a fault that tells neither where it is nor what it said", async (_, answer, code, mayPass) => {
    const { run, requests } = given({ answer });
    const fault = await faultOf(run);
    expect([fault.code, fault.mayPass]).toEqual([code, mayPass]);
    expect(fault.message).not.toMatch(/hidden|crm\.example|elsewhere/);
    expect(requests).toHaveLength(1);
  });

  it("too late is a fault that may pass", async () => {
    const { run } = given({ answer: () => new Promise(() => undefined), settings: { timeout: 0.02 } });
    expect(await faultOf(run)).toMatchObject({
      code: "COMPONENT_TIMEOUT",
      message: "The component CRM did not answer in full within 0.02 seconds.",
      mayPass: true,
    });
  });
});

describe("a component that cannot be called", () => {
  it.each<[string, Given, string]>([
    ["is not mapped", { component: null }, "COMPONENT_UNKNOWN"],
    ["has no binding", { component: { endpoint: null, binding: "COMPONENT_GONE" } }, "COMPONENT_UNBOUND"],
    ["has neither", { component: { endpoint: null } }, "COMPONENT_UNBOUND"],
    ["is at a private address", { component: { endpoint: "https://10.0.0.1/" } }, "COMPONENT_ADDRESS_REFUSED"],
    ["is not encrypted", { component: { endpoint: "http://crm.example.com/" } }, "COMPONENT_ADDRESS_REFUSED"],
  ])("since it %s is a fault for good", async (_, more, code) => {
    const { run, requests } = given(more);
    expect(await faultOf(run)).toMatchObject({ code, mayPass: false });
    expect(requests).toEqual([]);
  });

  it("is one without encryption only where private addresses may be called", async () => {
    const config = { HTTP_ALLOW_PRIVATE: "true" } as World["config"];
    const { run, requests } = given({ component: { endpoint: "http://localhost:9000/" }, world: { config } });
    await run();
    expect(requests).toHaveLength(1);
  });
});
