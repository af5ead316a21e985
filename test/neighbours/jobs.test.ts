import { afterEach, describe, expect, it, vi } from "vitest";

import type { Caller } from "../support/api.ts";
import { bringTo, rowOf, someone } from "../support/given.ts";
import { unique } from "../support/iam.ts";
import { costOf } from "../support/many.ts";
import { edit, instanceOf, orders, templateOf } from "../templates/given.ts";
import { ended } from "../templates/jobs.ts";
import { component, enforced, ids, inShort, neighbours, refused, secret, toldBy } from "./given.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const [seen, hidden] = ids(2) as [string, string];
const some = () =>
  neighbours({
    component: (id) => (id === hidden ? refused(403)() : component()),
    secret: (id) => (id === hidden ? refused(404)() : secret()),
  });
const down = () => neighbours({ component: refused(503), list: refused(503), secret: refused(503) });

/** A template of the component, with another step of a secret of its own. */
const graphOf = (componentId: string, fixed = seen) => {
  const [first, second] = orders().graph.nodes;
  return {
    nodes: [
      { ...first, componentId: "http", credentials_id: fixed },
      { ...second, componentId },
    ],
    edges: orders().graph.edges,
  };
};
const faults = ["COMPONENT_NOT_VISIBLE /graph/nodes/1/componentId"];

async function given(graph: object) {
  const caller = await someone();
  const id = await templateOf(caller, { graph });
  return { caller, id, instance: await instanceOf(caller, id) };
}

const begin = (caller: Caller, verb: "start" | "stop" | "upgrade", id: string, env: object, more: object = {}) =>
  caller.call(`${verb}Instances`, { params: { id }, env: { ...env }, ...more });
const restart = { body: { restart: true } };

describe("a job that starts all instances", () => {
  it.each([{}, enforced])("is refused, if their graph names what is not seen, with %j", async (mode) => {
    const { caller, id, instance } = await given(graphOf(hidden, hidden));
    const answer = await begin(caller, "start", id, { ...some().settings, ...mode });
    const all = ["SECRET_NOT_VISIBLE /graph/nodes/0/credentials_id", ...faults];
    expect([answer.status, toldBy(answer).toSorted()]).toEqual([409, all.toSorted()]);
    expect(answer.body.errors[0]).toMatchObject({
      code: 409,
      detail: expect.stringMatching(/revision 1 of the templ/),
    });
    expect(await rowOf(instance)).toMatchObject({ status: "inactive", status_seq: 0 });
  });

  it("goes on, if all is seen; secrets of the instances themselves are not asked about", async () => {
    const { caller, id, instance } = await given(graphOf(seen));
    const { settings, questions } = some();
    const { status, body } = await begin(caller, "start", id, { ...settings, ...enforced });
    expect([status, questions().toSorted()]).toEqual([
      202,
      ["/api/v1/secrets", `/api/v1/secrets/${seen}`, `/components/${seen}`],
    ]);
    expect((await ended(caller, id, body.data.id)).counts).toMatchObject({ done: 1 });
    expect(await rowOf(instance)).toMatchObject({ status: "starting" });
  });

  it("is judged by the revisions that the instances have which do not run", async () => {
    const { caller, id, instance } = await given(graphOf(hidden));
    await edit(caller, id, { graph: graphOf(seen) });
    await instanceOf(caller, id);
    const { settings } = some();
    expect(toldBy(await begin(caller, "start", id, settings))).toEqual(faults);
    await bringTo(instance, { status: "active", start_id: "s" });
    expect((await begin(caller, "start", id, settings)).status).toBe(202);
    await edit(caller, id, { graph: graphOf(hidden) });
    expect((await begin(caller, "start", id, settings)).status).toBe(202);
  });

  it.each<[object, number]>([
    [{}, 202],
    [enforced, 503],
  ])("while neighbours are down, with %j, is answered %i", async (mode, status) => {
    const { caller, id } = await given(graphOf(seen));
    const answer = await begin(caller, "start", id, { ...down().settings, ...mode });
    expect(answer.status).toBe(status);
    expect(inShort(answer.body.errors)).toEqual(
      status === 202
        ? []
        : ["NEIGHBOUR_UNAVAILABLE /graph/nodes/1/componentId", "NEIGHBOUR_UNAVAILABLE /graph/nodes/0/credentials_id"],
    );
  });

  it("that was begun is answered again under its key, whatever is seen by then", async () => {
    const { caller, id } = await given(graphOf(seen));
    const request = { headers: { "idempotency-key": unique("key") } };
    const first = await begin(caller, "start", id, some().settings, request);
    const { settings } = neighbours({ component: refused(404) });
    await instanceOf(caller, id);
    const second = await begin(caller, "start", id, settings, request);
    expect([second.status, second.body.data?.id]).toEqual([202, first.body.data.id]);
    const other = { headers: { "idempotency-key": unique("key") } };
    expect((await begin(caller, "start", id, settings, other)).status).toBe(409);
    // What was refused is no answer to be repeated.
    expect((await begin(caller, "start", id, some().settings, other)).status).toBe(202);
  });
});

describe("an upgrade", () => {
  it("with restart is judged by the revision to which it leads", async () => {
    const { caller, id, instance } = await given(graphOf(seen));
    await edit(caller, id, { graph: graphOf(hidden) });
    const answer = await begin(caller, "upgrade", id, some().settings, restart);
    expect([answer.status, toldBy(answer)]).toEqual([409, faults]);
    expect(answer.body.errors[0].detail).toContain("revision 2");
    await edit(caller, id, { graph: graphOf(seen) });
    expect((await begin(caller, "upgrade", id, some().settings, restart)).status).toBe(202);
    await expect.poll(async () => (await rowOf(instance))?.revision).toBe(2);
  });

  it("without restart starts nothing, and a stop does not either: nobody is asked", async () => {
    const { caller, id } = await given(graphOf(hidden));
    const { settings, asked } = some();
    const env = { ...settings, ...enforced };
    expect((await begin(caller, "upgrade", id, env, { body: {} })).status).toBe(202);
    expect((await begin(caller, "stop", id, env)).status).toBe(202);
    expect(asked).toEqual([]);
  });
});

it("costs nothing where no neighbour is set", async () => {
  const { caller, id } = await given(graphOf(hidden));
  const { asked } = some();
  const trips = async (settings: object) =>
    costOf((await begin(caller, "start", id, { SERVER_TIMING: "true", ...settings })).headers).trips;
  expect([await trips(enforced), asked]).toEqual([2, []]);
});
