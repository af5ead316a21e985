import { env } from "cloudflare:workers";
import { expect, it } from "vitest";

import { someone } from "../support/given.ts";
import { flowsOf, statusesOf } from "../support/many.ts";

const MANY = 1000;
const patient = { timeout: 180_000, interval: 250 };

const left = () => env.DB.prepare("SELECT count(*) AS n FROM outbox").first("n");
const moved = (seq: number) =>
  env.DB.prepare("SELECT count(*) AS n FROM flows WHERE status_seq = ? AND last_error IS NULL").bind(seq).first("n");

it("makes 1,000 flows live after one request, and takes some down after another", { timeout: 400_000 }, async () => {
  const caller = await someone();
  const ids = await flowsOf(caller, MANY);
  const started = await caller.call("startMultipleFlows", { body: ids });
  expect(started.body).toEqual(ids.map((id) => ({ data: { id, status: "starting" }, meta: {} })));
  await expect.poll(() => statusesOf(ids), patient).toEqual({ active: MANY });
  // To stop them takes as long as to start them: some do.
  const some = ids.slice(0, 50);
  const stopped = await caller.call("stopMultipleFlows", { body: some });
  expect(stopped.body).toEqual(some.map((id) => ({ data: { id, status: "stopping" }, meta: {} })));
  await expect.poll(() => statusesOf(some), patient).toEqual({ inactive: some.length });
  await expect.poll(left, patient).toBe(0);
  expect([await moved(2), await moved(4)]).toEqual([MANY - some.length, some.length]);
});
