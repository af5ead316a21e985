import { env } from "cloudflare:workers";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import type { Outcome } from "../../src/lifecycle/model.ts";
import { table, transition, type Decision, type Status, type Trigger } from "../../src/lifecycle/transition.ts";
import { databaseWith, evict, letDeadlinePass, objectOf, rebind, ring, ringUntilSent } from "../support/faults.ts";
import { bringTo, flowOf, rowOf, someone } from "../support/given.ts";
import type { Recorded } from "../support/queues.ts";

const limits = { startTries: 5, stalledTries: 3 };

interface Command {
  readonly name: string;
  readonly startId: string | null;
  readonly seq: number;
  /** Whether the flow waits for the answer; after a forced stop it does not. */
  readonly awaited: boolean;
}

/** What the row of a flow holds of its lifecycle, and every command that it ever committed. */
const newModel = () => ({
  status: "inactive" as Status,
  seq: 0,
  startId: null as string | null,
  tries: 0,
  error: null as string | null,
  accepted: [] as Command[],
});
type Model = ReturnType<typeof newModel>;

function carryOut(model: Model, decision: Decision): Command | undefined {
  if (decision.kind !== "move" && decision.kind !== "resend") return undefined;
  const begins = decision.kind === "move" && decision.to === "starting";
  if (decision.kind === "move") {
    model.status = decision.to;
    model.seq += 1;
  }
  if (begins) [model.startId, model.error] = [`start ${model.seq}`, null];
  const awaited = model.status === "starting" || model.status === "stopping";
  model.tries = decision.kind === "resend" ? model.tries + 1 : Number(awaited);
  if (decision.failure !== "STOP_TIMEOUT" || model.error === null) model.error = decision.failure ?? model.error;
  if (decision.command === undefined) return undefined;
  const command = { name: decision.command, startId: model.startId, seq: model.seq, awaited };
  model.accepted.push(command);
  return command;
}

const told = ({ name, seq }: { readonly name: string; readonly seq: unknown }): string => `${String(seq)} ${name}`;
const withoutRepeats = (texts: readonly string[]): string[] => texts.filter((text, at) => text !== texts[at - 1]);

/** A model beside a queue that duplicates, loses and shuffles, and what stands on its other side. */
const newWorld = () => ({
  ...newModel(),
  outbox: [] as Command[],
  taken: [] as Command[],
  queue: [] as Command[],
  reports: [] as { trigger: Trigger; startId: string | undefined }[],
  /** The orchestrator: what it runs, and the number of the newest command that it has seen. */
  running: null as string | null,
  known: 0,
});
type World = ReturnType<typeof newWorld>;

/** How far a start has come; nothing but a new start may lead back. */
const progress: Readonly<Record<Status, number>> = { starting: 0, active: 1, stopping: 2, inactive: 3 };

function give(world: World, trigger: Trigger, startId?: string, overdue = false): void {
  const { status, startId: present, seq, tries } = world;
  const decision = transition({ status, startId: present, tries, overdue }, { trigger, startId }, limits);
  const command = carryOut(world, decision);
  if (command) world.outbox.push(command);

  const begins = world.startId !== present;
  if (begins) expect([trigger, status, world.status]).toEqual(["start", "inactive", "starting"]);
  else expect(progress[world.status]).toBeGreaterThanOrEqual(progress[status]);
  if (startId !== undefined && startId !== present) expect([world.status, world.seq]).toEqual([status, seq]);
  // Whoever waits for an answer has asked for it under the present number.
  const last = world.accepted.at(-1);
  const waits = world.status === "starting" || world.status === "stopping";
  if (waits) expect(last).toMatchObject({ seq: world.seq, name: `flow.${world.status}` });
  // Nothing is left running without having been told to stop, unless it said itself that it does not run.
  const ends = status !== "inactive" && world.status === "inactive" && trigger !== "stopped";
  if (ends) expect(last).toMatchObject({ seq: world.seq, name: "flow.stopping" });
}

function send(world: World, outcome: "taken" | "taken, not forgotten" | "refused"): void {
  const [command] = world.outbox;
  if (command === undefined || outcome === "refused") return;
  world.taken.push(command);
  world.queue.push(command);
  if (outcome === "taken") world.outbox.shift();
}

/** Takes one of the list out, or leaves it there to come again. */
const oneOf = <T>(list: T[], at: number, again: boolean): T | undefined =>
  list.length === 0 || again ? list[at % Math.max(1, list.length)] : list.splice(at % list.length, 1)[0];

/** The orchestrator handles whichever message comes. It ignores what newer ones have overtaken, and starts nothing twice. */
function work(world: World, command: Command | undefined, odd: boolean): void {
  if (command === undefined || command.seq < world.known) return;
  world.known = command.seq;
  const starts = command.name === "flow.starting";
  const fails = odd && world.running !== command.startId;
  world.running = starts && !fails ? command.startId : null;
  const trigger = starts ? (fails ? "failed" : "started") : "stopped";
  world.reports.push({ trigger, startId: command.startId ?? undefined });
}

const hear = (world: World, report: World["reports"][number] | undefined, named = true): void =>
  report && give(world, report.trigger, named ? report.startId : undefined);

/** Everything works again: messages go out, are handled and heard, and deadlines pass until the flow rests. */
function recover(world: World): void {
  for (let round = 0; round < 20; round += 1) {
    while (world.outbox.length > 0) send(world, "taken");
    while (world.queue.length > 0) work(world, oneOf(world.queue, 0, false), false);
    while (world.reports.length > 0) hear(world, oneOf(world.reports, 0, false));
    give(world, "deadline", undefined, true);
  }
}

const honest = ["start", "start", "stop", "forceStop", "deadline", "too early", "send", "send", "send twice", "work"];
const faults = ["refuse", "work", "hear", "hear", "lose command", "lose report"];
const dishonest = ["hear unnamed", "started", "stopped", "failed"];
const sequence = (...names: readonly string[]) =>
  fc.array(
    fc.record({ do: fc.constantFrom(...names), at: fc.nat({ max: 7 }), again: fc.boolean(), odd: fc.boolean() }),
    { minLength: 1, maxLength: 80, size: "max" },
  );
type Act = { readonly do: string; readonly at: number; readonly again: boolean; readonly odd: boolean };

function act(world: World, { do: what, at, again, odd }: Act): void {
  if (what === "start" || what === "stop" || what === "forceStop") return give(world, what);
  if (what === "deadline" || what === "too early") return give(world, "deadline", undefined, what === "deadline");
  if (what === "send") return send(world, "taken");
  if (what === "send twice") return send(world, "taken, not forgotten");
  if (what === "refuse") return send(world, "refused");
  if (what === "work") return work(world, oneOf(world.queue, at, again), odd);
  if (what === "hear") return hear(world, oneOf(world.reports, at, again));
  if (what === "hear unnamed") return hear(world, oneOf(world.reports, at, again), false);
  if (what === "lose report") return void oneOf(world.reports, at, false);
  if (what === "lose command") return void (world.queue[0]?.awaited === true && world.queue.shift());
  return give(world, what as Trigger, odd ? undefined : `start ${at}`);
}

describe("whatever comes, in whatever order, lost or doubled,", () => {
  it("a flow never moves backwards, and every command that was accepted is delivered in order", () => {
    const property = fc.property(sequence(...honest, ...faults, ...dishonest), (acts) => {
      const world = newWorld();
      for (const one of acts) act(world, one);
      while (world.outbox.length > 0) send(world, "taken");
      expect(withoutRepeats(world.taken.map(told))).toEqual(withoutRepeats(world.accepted.map(told)));
      const starts = world.accepted.filter((command) => command.name === "flow.starting");
      expect(new Set(starts.map((command) => command.startId)).size).toBe(new Set(starts.map(told)).size);
    });
    fc.assert(property, { numRuns: 2000 });
  });

  it("a flow and an honest orchestrator agree as soon as everything works again", () => {
    const property = fc.property(sequence(...honest, ...faults), (acts) => {
      const world = newWorld();
      for (const one of acts) act(world, one);
      recover(world);
      expect(["inactive", "active"]).toContain(world.status);
      expect(world.running).toBe(world.status === "active" ? world.startId : null);
    });
    fc.assert(property, { numRuns: 2000 });
  });
});

const steps = fc.array(
  fc.record({
    do: fc.constantFrom(
      ...(["start", "start", "stop", "forceStop", "started", "stopped", "failed", "deadline", "deadline"] as const),
      ...(["evict", "queue down", "queue up", "ring"] as const),
    ),
    /** Which start a report is about. */
    about: fc.constantFrom("current", "current", "earlier", "none"),
    /** What the database does when the step commits a command. */
    fault: fc.constantFrom(undefined, undefined, undefined, undefined, "before", "after"),
  }),
  { minLength: 4, maxLength: 20, size: "max" },
);
type Step = typeof steps extends fc.Arbitrary<(infer One)[]> ? One : never;

const newPair = (id: string) => ({
  id,
  model: newModel(),
  sent: [] as Recorded["body"][],
  startIds: [] as string[],
  down: false,
  fault: undefined as string | undefined,
});
type Pair = ReturnType<typeof newPair>;

async function attach(pair: Pair): Promise<void> {
  const taken = (body: Recorded["body"]): Promise<unknown> =>
    pair.down ? Promise.reject(new Error("The queue is down.")) : Promise.resolve(pair.sent.push(body));
  const DB = databaseWith(async ({ commits, run }) => {
    if (commits && pair.fault === "before") throw new Error("D1_ERROR: before the commit");
    const done = await run();
    if (commits && pair.fault === "after") throw new Error("D1_ERROR: after the commit");
    return done;
  });
  await rebind(pair.id, { DB, FLOW_COMMANDS: { send: taken }, FLOW_NOTICES: { send: taken } });
}

/** The house's rule for a deadline that has passed. */
function whenOverdue({ status, tries }: Model): Decision {
  if (status === "starting" && tries < 5) return { kind: "resend", command: "flow.starting" };
  if (status === "starting") return { ...table.starting.stop, failure: "START_TIMEOUT" } as Decision;
  if (status !== "stopping") return { kind: "same" };
  return { kind: "resend", command: "flow.stopping", ...(tries >= 2 ? { failure: "STOP_TIMEOUT" } : {}) };
}

/** Gives the input to the object and answers what came of it and what should have. */
async function ask(pair: Pair, trigger: Trigger, { about, fault }: Step): Promise<[Outcome, object]> {
  const { id, model } = pair;
  const isReport = trigger === "started" || trigger === "stopped" || trigger === "failed";
  const earlier = pair.startIds.at(-2) ?? "never";
  const named = new Map([
    ["current", pair.startIds.at(-1) ?? "never"],
    ["earlier", earlier],
  ]);
  const startId = isReport ? named.get(about) : undefined;
  const isStale = startId !== undefined && startId !== pair.startIds.at(-1);
  if (trigger === "deadline" && model.tries > 0) await letDeadlinePass(id);

  const from = model.status;
  const decision: Decision =
    trigger === "deadline" ? whenOverdue(model) : isStale ? { kind: "stale" } : table[from][trigger];
  const cut = "command" in decision ? fault : undefined;
  if (cut !== "before") carryOut(model, decision);
  pair.fault = cut;
  const outcome = await objectOf(id).apply({
    flowId: id,
    trigger,
    reach: null,
    ...(startId === undefined ? {} : { startId }),
  });
  pair.fault = undefined;
  if (trigger === "deadline" && cut === "before") await bringTo(id, { deadline_at: Date.now() + 60_000 });
  if (cut !== undefined) return [outcome, { ok: false, error: "STORAGE_UNAVAILABLE" }];
  if (decision.kind === "refuse") return [outcome, { ok: false, error: decision.error, bookmark: expect.any(String) }];
  const etag = `"1-${model.seq}${model.tries > 1 ? `-${model.tries}` : ""}"`;
  const bookmark: unknown = expect.stringMatching(/^[\w-]+$/);
  const { status, seq: statusSeq } = model;
  return [outcome, { ok: true, result: decision.kind, from, status, statusSeq, etag, bookmark }];
}

async function take(pair: Pair, step: Step): Promise<void> {
  let outcomes: [of: unknown, expected: unknown] = [undefined, undefined];
  if (step.do === "queue down" || step.do === "queue up") pair.down = step.do === "queue down";
  else if (step.do === "ring") await ring(pair.id);
  else if (step.do === "evict") await evict(pair.id).then(() => attach(pair));
  else outcomes = await ask(pair, step.do, step);
  expect(outcomes[0]).toEqual(outcomes[1]);
  const row = (await rowOf(pair.id))!;
  if (row.start_id !== null && row.start_id !== pair.startIds.at(-1)) pair.startIds.push(row.start_id);
  const { status, seq, tries, error } = pair.model;
  const code = row.last_error === null ? null : (JSON.parse(row.last_error) as { code: string }).code;
  expect([row.status, row.status_seq, row.tries, code]).toEqual([status, seq, tries, error]);
}

async function finish(pair: Pair): Promise<void> {
  pair.down = false;
  await ringUntilSent(pair.id);
  const heard = pair.sent.map(({ headers }) => ({
    name: headers.name,
    seq: headers["statusSeq"],
    startId: headers["startId"],
  }));
  expect(withoutRepeats(heard.map(told))).toEqual(withoutRepeats(pair.model.accepted.map(told)));
  expect(heard.length).toBeGreaterThanOrEqual(pair.model.accepted.length);
  const starts = heard.filter(({ name }) => name === "flow.starting");
  expect([...new Set(starts.map(({ startId }) => startId))]).toEqual(pair.startIds);
  await rebind(pair.id, { DB: env.DB });
}

it("a flow's object does what the table says, through evictions, refusals and lost answers", async () => {
  const caller = await someone();
  const property = fc.asyncProperty(steps, async (list) => {
    const pair = newPair(await flowOf(caller));
    await attach(pair);
    for (const step of list) await take(pair, step);
    await finish(pair);
    expect(new Set(pair.startIds).size).toBe(pair.startIds.length);
  });
  await fc.assert(property, { numRuns: 150, endOnFailure: true });
}, 180_000);
