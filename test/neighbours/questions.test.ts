import { afterEach, describe, expect, it, vi } from "vitest";

import type { Caller } from "../support/api.ts";
import { newId, someone } from "../support/given.ts";
import { replaceNetwork, unique } from "../support/iam.ts";
import { recordConsole } from "../support/wire.ts";
import {
  component,
  enforced,
  flowWith,
  ids,
  listOf,
  neighbours,
  refused,
  save,
  secret,
  standIns,
  toldBy,
} from "./given.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

/** Stops the clock of the caches; answers how to put it forward. */
function stopTime(): (seconds: number) => void {
  let now = Date.now();
  vi.spyOn(Date, "now").mockImplementation(() => now);
  return (seconds) => (now += seconds * 1000);
}

/** Saves the same flow again and again; answers how many questions each save asked. */
function saving(caller: Caller, flow: object, { settings, asked }: ReturnType<typeof neighbours>) {
  return async () => {
    const before = asked.length;
    await save(caller, flow, settings);
    return asked.length - before;
  };
}

describe("the memory of answers", () => {
  it.each<[string, () => Response, number]>([
    ["visible", () => component(), 60],
    ["hidden", refused(404), 5],
    ["no answer", refused(503), 2],
  ])("keeps that a component is %s for its time", async (_, reply, seconds) => {
    const made = neighbours({ component: reply });
    const again = saving(await someone(), flowWith({ component: newId() }), made);
    const passTime = stopTime();
    expect([await again(), await again()]).toEqual([1, 0]);
    passTime(seconds - 1);
    expect(await again()).toBe(0);
    passTime(2);
    expect(await again()).toBe(1);
  });

  it.each<[string, () => Response, () => Response, number, number]>([
    ["listed", () => listOf(id), secret, 60, 1],
    ["visible", listOf, secret, 60, 2],
    ["hidden", listOf, refused(403), 5, 1],
    ["no answer", listOf, refused(500), 2, 1],
    ["no answer to the list", refused(401), secret, 2, 1],
  ])("keeps that a secret is %s for its time", async (_, list, reply, seconds, later) => {
    const made = neighbours({ list, secret: reply });
    const again = saving(await someone(), flowWith({ secret: id }), made);
    const passTime = stopTime();
    expect(await again()).toBeGreaterThan(0);
    passTime(seconds - 1);
    expect(await again()).toBe(0);
    passTime(2);
    // The list is good for a minute, so only the secret itself is looked at again.
    expect(await again()).toBe(later);
  });
  const id = newId();

  it("uses the list for other secrets too", async () => {
    const caller = await someone();
    const [one, two] = ids(2) as [string, string];
    const made = neighbours({ list: () => listOf(one, two) });
    await save(caller, flowWith({ secret: one }), made.settings);
    await save(caller, flowWith({ secret: two }), made.settings);
    expect(made.questions()).toEqual(["/api/v1/secrets"]);
  });

  it("is each caller's own, and each neighbour's", async () => {
    const [one, two] = [await someone(), await someone()];
    const [here, there] = [standIns({ component: refused(403) }), standIns()];
    replaceNetwork((asked) =>
      (asked.url.startsWith(here.settings.COMPONENT_REPOSITORY_BASE_URL) ? here : there).answer(asked),
    );
    const flow = flowWith({ component: newId() });
    const told = [];
    for (const caller of [one, two]) {
      for (const { settings } of [here, there]) told.push(toldBy(await save(caller, flow, settings)).length);
    }
    expect(told).toEqual([1, 0, 1, 0]);
    expect([here.asked.length, there.asked.length]).toEqual([2, 2]);
  });

  it("takes no component for a secret of the same id", async () => {
    const made = neighbours({ component: refused(404) });
    const same = newId();
    const { settings } = made;
    const both = { ...settings, SECRET_SERVICE_BASE_URL: settings.COMPONENT_REPOSITORY_BASE_URL };
    const saved = await save(await someone(), flowWith({ component: same, secret: same }), both);
    expect(toldBy(saved)).toEqual(["COMPONENT_NOT_VISIBLE /graph/nodes/0/componentId"]);
  });
});

describe("questions at the same time", () => {
  it("are one for all who ask the same", async () => {
    const caller = await someone();
    const open = Promise.withResolvers<void>();
    const made = neighbours({
      component: async () => {
        await open.promise;
        return component();
      },
      secret: async () => {
        await open.promise;
        return secret();
      },
    });
    const flow = flowWith({ component: newId(), secret: newId() });
    const all = Array.from({ length: 20 }, () => save(caller, flow, made.settings));
    await vi.waitFor(() => expect(made.asked).toHaveLength(3));
    open.resolve();
    const answers = await Promise.all(all);
    expect(answers.filter(({ status, body }) => status === 201 && body.meta.warnings === undefined)).toHaveLength(20);
    expect(made.asked).toHaveLength(3);
  });

  it.each([
    ["components and secrets", (one: string) => ({ component: one, secret: one }), 81],
    ["components alone", (one: string) => ({ component: one }), 40],
  ])("are no more than six of a request, for %s", async (_, step, questions) => {
    let [open, most] = [0, 0];
    const slowly = async (reply: Response): Promise<Response> => {
      open += 1;
      most = Math.max(most, open);
      await new Promise((resolve) => setTimeout(resolve, 1));
      open -= 1;
      return reply;
    };
    const made = neighbours({ component: () => slowly(component()), secret: () => slowly(secret()) });
    const saved = await save(await someone(), flowWith(...ids(40).map(step)), made.settings);
    expect([saved.body.meta, made.asked.length, most]).toEqual([{}, questions, 6]);
  });

  it("are no more than two hundred of a request, and what is beyond is told plainly", async () => {
    const caller = await someone();
    const made = neighbours();
    const written = recordConsole();
    const flow = flowWith(...ids(250).map((one) => ({ component: one })));
    const saved = await save(caller, flow, { ...made.settings, ...enforced, LOG_LEVEL: "info" });
    expect([saved.status, toldBy(saved)]).toEqual([201, ["TOO_MANY_REFERENCES /graph/nodes/200/componentId"]]);
    expect(saved.body.meta.warnings[0].detail).toMatch(/^50 places were not checked: .* 200 /);
    expect(written.of("neighbour.unanswered")).toEqual([]);
    expect(made.asked).toHaveLength(200);
    // What is known is no question.
    const again = await save(caller, [flow, flow], made.settings);
    expect([again.body.meta, made.asked.length]).toEqual([{}, 250]);
  });

  it("count for all portions of a request together", async () => {
    const caller = await someone();
    const made = neighbours();
    const flows = Array.from({ length: 3 }, () => flowWith(...ids(90).map((one) => ({ component: one }))));
    const all = await save(caller, flows, {});
    const body = all.body.data.map(({ id: one }: { id: string }) => ({ id: one, name: "B" }));
    // Edits of the same flow are made in rounds, each of which is judged.
    const edited = await caller.call("updateFlowBulk", { body: [...body, ...body], env: made.settings });
    expect(made.asked).toHaveLength(200);
    expect(toldBy(edited)).toEqual([
      "TOO_MANY_REFERENCES /2/graph/nodes/20/componentId",
      "TOO_MANY_REFERENCES /5/graph/nodes/20/componentId",
    ]);
  });
});

const never = () => new Promise<Response>(() => {});
const after = (ms: number, reply: () => Response) => () =>
  new Promise<Response>((resolve) => setTimeout(() => resolve(reply()), ms));
const silent = (keys: string[]) => keys.map((key) => `NEIGHBOUR_UNAVAILABLE /graph/nodes/0/${key}`);

describe("neighbours that are slow", () => {
  it("hold up a request for two seconds each and three in all, and the next one not at all", async () => {
    stopTime();
    const wait = globalThis.setTimeout;
    // Everybody waits so much shorter.
    vi.spyOn(globalThis, "setTimeout").mockImplementation((does: () => void, ms = 0) => wait(does, ms / 5));
    const cases: [ReturnType<typeof standIns>, string[]][] = [
      [standIns({ component: never, list: never }), ["componentId", "credentials_id"]],
      [standIns({ component: after(1500, component), list: after(1500, listOf) }), []],
      [standIns({ component: after(2400, component) }), ["componentId"]],
      [standIns({ list: after(1700, listOf), secret: after(1700, secret) }), ["credentials_id"]],
      [standIns({ component: () => new Response(new ReadableStream()) }), ["componentId"]],
    ];
    replaceNetwork((asked) => {
      const { host } = new URL(asked.url);
      const isHis = (address: string) => address.endsWith(host);
      return cases.find(([{ settings }]) => Object.values(settings).some(isHis))![0].answer(asked);
    });
    const caller = await someone();
    const flow = flowWith({ component: newId(), secret: newId() });
    const told = async (settings: object) => {
      const saved = await save(caller, flow, { ...settings, ...enforced });
      return [saved.status, ...toldBy(saved)];
    };
    expect(await Promise.all(cases.map(([{ settings }]) => told(settings)))).toEqual(
      cases.map(([, keys]) => [201, ...silent(keys)]),
    );
    const [{ settings, asked }, keys] = cases[0]!;
    const { length } = asked;
    expect(await told(settings)).toEqual([201, ...silent(keys)]);
    expect(asked).toHaveLength(length);
  });
});

describe("the log of questions", () => {
  it.each<[string, () => Response]>([
    ["an outage", refused(503)],
    ["an answer that repeats the token", () => new Response(token)],
    [
      "a fault that quotes the token",
      () => {
        throw new Error(`Bearer ${token}`);
      },
    ],
  ])("with %s tells of it and holds no token", async (_, reply) => {
    const caller = await someone();
    token = caller.authorization.slice("Bearer ".length);
    const written = recordConsole();
    const { settings } = neighbours({ component: reply, list: reply });
    const flow = flowWith({ component: newId(), secret: newId() });
    await save(caller, flow, { ...settings, LOG_LEVEL: "info" });
    expect(written.of("neighbour.unanswered")).toEqual([
      { event: "neighbour.unanswered", requestId: expect.any(String), flows: 1 },
    ]);
    expect(written.text()).not.toContain(token.slice(-20));
    expect(written.text()).not.toMatch(/bearer/i);
  });
  let token = unique("token");
});
