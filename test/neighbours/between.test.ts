import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";

import type { Call, Caller } from "../support/api.ts";
import { bringTo, rowOf, settle, someone } from "../support/given.ts";
import { unique } from "../support/iam.ts";
import { component, flowWith, ids, neighbours, refused, stored, toldBy } from "./given.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const [seen, hidden, other] = ids(3) as [string, string, string];

/** A flow of somebody, of which something becomes something else each time that a neighbour is asked. */
async function given(meanwhile: (caller: Caller, id: string, time: number) => Promise<unknown>) {
  const caller = await someone();
  const id = await stored(caller, flowWith({ component: seen }));
  await settle(id);
  const made = neighbours({
    component: async (one) => {
      await meanwhile(caller, id, made.asked.length);
      return one === hidden ? refused(403)() : component();
    },
  });
  const start = (more: Call = {}, changed = {}) =>
    caller.call("startFlow", { params: { id }, env: { ...made.settings, ...changed }, ...more });
  return { caller, id, asked: made.asked, start };
}

const edit = async (caller: Caller, id: string, one: string) => {
  const { graph } = flowWith({ component: one });
  const answer = await caller.call("updateFlow", { params: { id }, body: { graph } });
  expect(answer.status).toBe(200);
};

describe("a start while whose neighbours are asked the flow is edited", () => {
  it("is refused, if the newer document refers to what is not seen", async () => {
    const { id, asked, start } = await given((caller, flow, time) =>
      time === 1 ? edit(caller, flow, hidden) : Promise.resolve(),
    );
    const answer = await start();
    expect([answer.status, toldBy(answer)]).toEqual([409, ["COMPONENT_NOT_VISIBLE /graph/nodes/0/componentId"]]);
    expect(asked).toHaveLength(2);
    expect(await rowOf(id)).toMatchObject({ status: "inactive", status_seq: 0, revision: 2 });
  });

  it("starts the newer document, if that is seen too, and is answered again as it was", async () => {
    const { id, asked, start } = await given((caller, flow, time) =>
      time === 1 ? edit(caller, flow, other) : Promise.resolve(),
    );
    const request = { headers: { "idempotency-key": unique("key") } };
    const answer = await start(request);
    expect([answer.status, answer.body]).toEqual([200, { data: { id, status: "starting" }, meta: {} }]);
    expect(await rowOf(id)).toMatchObject({ status: "starting", status_seq: 1, revision: 2 });
    expect([(await start(request)).body, asked.length]).toEqual([answer.body, 2]);
  });

  it("with If-Match is refused, for it is not the one that was meant", async () => {
    const { caller, id, asked, start } = await given((by, flow, time) =>
      time === 1 ? edit(by, flow, other) : Promise.resolve(),
    );
    const { headers } = await caller.call("getFlowById", { params: { id } });
    const answer = await start({ headers: { "if-match": headers.get("etag")! } });
    expect([answer.status, answer.body.errors[0].error, asked.length]).toEqual([412, "PRECONDITION_FAILED", 1]);
    expect(await rowOf(id)).toMatchObject({ status: "inactive" });
  });

  it("gives up as a conflict, if edits never cease", async () => {
    const { id, asked, start } = await given((caller, flow) => edit(caller, flow, ids(1)[0]!));
    const answer = await start();
    expect([answer.status, answer.body.errors[0].error, asked.length]).toEqual([409, "REVISION_CONFLICT", 3]);
    expect(await rowOf(id)).toMatchObject({ status: "inactive", status_seq: 0 });
  });
});

it("a flow that was no start's business when it was looked at, but is by now, is judged", async () => {
  const { caller, id, asked, start } = await given(() => Promise.resolve());
  await bringTo(id, { status: "active", start_id: "s" });
  let sent = 0;
  // It stops just when the start is on its way to the object.
  const getByName = (name: string) => ({
    apply: async (input: Parameters<ReturnType<typeof env.FLOW_OBJECT.getByName>["apply"]>[0]) => {
      sent += 1;
      if (sent === 1) await bringTo(name, { status: "inactive" });
      return env.FLOW_OBJECT.getByName(name).apply(input);
    },
  });
  const answer = await start({}, { FLOW_OBJECT: { getByName } });
  expect([answer.status, asked.length, sent]).toEqual([200, 1, 2]);
  expect((await caller.call("getFlowById", { params: { id } })).body.data.status).toBe("starting");
});
