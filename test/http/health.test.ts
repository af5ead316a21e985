import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";

import { call } from "../support/api.ts";
import { newId } from "../support/given.ts";
import { brokenDatabase, databaseThat, throwingDatabase, wire } from "../support/wire.ts";

const waiting: string[] = [];

afterEach(async () => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  for (const flowId of waiting.splice(0)) {
    await env.DB.prepare("DELETE FROM outbox WHERE flow_id = ?").bind(flowId).run();
  }
});

/** Puts a message into the outbox that no courier knows of. */
async function messageOfAge(seconds: number): Promise<void> {
  const flowId = newId();
  waiting.push(flowId);
  const body = JSON.stringify({ headers: { name: "flowrepo.flow.created" }, payload: { id: flowId } });
  await env.DB.prepare("INSERT INTO outbox (flow_id, seq, queue, body, created_at) VALUES (?1, ?3, 'notices', ?2, ?3)")
    .bind(flowId, body, Date.now() - seconds * 1000)
    .run();
}

describe("the health of a service that works", () => {
  it("is told by the keys of the original, with its version, and by our own", async () => {
    const answer = await call(undefined, "getHealth");
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      status: "pass",
      version: "0.0.6",
      details: {
        mongoDB: { status: "pass" },
        queue: { status: "pass" },
        d1: { status: "pass" },
        outbox: { status: "pass", pending: 0, oldestSeconds: null },
      },
    });
  });

  it.each(["Bearer x.y.z", "x"])("is told whatever token is sent, as %s", async (authorization) => {
    expect((await call(authorization, "getHealth")).status).toBe(200);
  });

  it("asks no identity management", async () => {
    const asked = vi.spyOn(globalThis, "fetch");
    const settings = {
      IAM_JWT_SECRET: undefined,
      INTROSPECT_ENDPOINT_BASIC: "https://iam.example/introspect",
      IAM_TOKEN: "service-token",
    };
    expect((await call("Bearer opaque", "getHealth", { env: settings })).status).toBe(200);
    expect(asked).not.toHaveBeenCalled();
  });

  it("counts messages that have not waited long as work in hand", async () => {
    await messageOfAge(100);
    await messageOfAge(10);
    const answer = await call(undefined, "getHealth");
    expect(answer.status).toBe(200);
    expect(answer.body.details.queue).toEqual({ status: "pass" });
    expect(answer.body.details.outbox).toMatchObject({ status: "pass", pending: 2 });
    expect(answer.body.details.outbox.oldestSeconds).toBeGreaterThanOrEqual(100);
    expect(answer.body.details.outbox.oldestSeconds).toBeLessThan(120);
  });
});

it("tells that the queues do not take messages once one has waited for two minutes", async () => {
  await messageOfAge(10);
  await messageOfAge(130);
  const answer = await call(undefined, "getHealth");
  expect(answer.status).toBe(500);
  expect(answer.body).toMatchObject({
    status: "fail",
    version: "0.0.6",
    details: {
      mongoDB: { status: "pass" },
      d1: { status: "pass" },
      queue: { status: "fail" },
      outbox: { status: "fail", pending: 2 },
    },
  });
  expect(answer.body.details.outbox.oldestSeconds).toBeGreaterThanOrEqual(130);
});

const withoutStorage = {
  status: "fail",
  version: "0.0.6",
  details: {
    mongoDB: { status: "fail" },
    d1: { status: "fail" },
    outbox: { pending: null, oldestSeconds: null },
  },
};

it.each<[string, () => object]>([
  ["refuses statements", brokenDatabase],
  ["throws at once", throwingDatabase],
])("names the storage where it %s, and nothing of its internals", async (_, database) => {
  const answer = await call(undefined, "getHealth", { env: { DB: database() } });
  expect(answer.status).toBe(500);
  expect(answer.body).toMatchObject(withoutStorage);
  expect(JSON.stringify(answer.body)).not.toMatch(/D1_ERROR|db-17/);
});

it("answers within the second that probes grant, where the storage does not answer at all", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const answered: Response[] = [];
  const asked = wire("GET", "/healthcheck", { env: { DB: hanging() } }).then((answer) => answered.push(answer));
  await vi.advanceTimersByTimeAsync(999);
  vi.useRealTimers();
  await expect.poll(() => answered).toHaveLength(1);
  await asked;
  expect(answered[0]!.status).toBe(500);
  expect(await answered[0]!.json()).toMatchObject(withoutStorage);
});

it("recovers by itself", async () => {
  expect((await call(undefined, "getHealth", { env: { DB: brokenDatabase() } })).status).toBe(500);
  expect((await call(undefined, "getHealth")).status).toBe(200);
});

it("is told to HEAD by the status alone", async () => {
  expect((await wire("HEAD", "/healthcheck")).status).toBe(200);
  expect((await wire("HEAD", "/healthcheck", { env: { DB: brokenDatabase() } })).status).toBe(500);
});

function hanging() {
  return databaseThat(() => Promise.race([]));
}
