/**
 * Can a tenant be moved to another shard while its flows start and stop, with nothing lost, doubled or moved backwards?
 * node bench/shard-move/run.ts [runs] [only]; with `only`, nothing is left out of the design to see it fail
 */
import { DatabaseSync } from "node:sqlite";

import { faultsOf, type Faults } from "./check.ts";
import {
  ablations,
  HOME,
  Oracle,
  RESIDENTS,
  type Ablation,
  type Place,
  type Setting,
  type ShardName,
} from "./model.ts";
import { moveHome } from "./mover.ts";
import { Service } from "./service.ts";
import { change, row, rows, shardOf } from "./shard.ts";
import { ask, wait, World, type Task } from "./world.ts";

const CLIENTS = 8;
/** A run has some 4,000 steps; one that lacks a part of the design may never end. */
const MOST_STEPS = { design: 60_000, ablation: 12_000 };

function settingOf(seed: number, without: Ablation): Setting {
  const world = new World(seed);
  const directory = new DatabaseSync(":memory:");
  directory.exec(
    "CREATE TABLE homes (home text PRIMARY KEY, shard text NOT NULL, epoch integer NOT NULL, moving_to text) WITHOUT ROWID",
  );
  const shards = { A: shardOf(() => world.now), B: shardOf(() => world.now) };
  const place = (home: string, shard: ShardName) => {
    change(directory, "INSERT INTO homes VALUES (?, ?, 1, NULL)", home, shard);
    change(shards[shard], "INSERT INTO homes (home, epoch, state) VALUES (?, 1, 'open')", home);
  };
  place(HOME, "A");
  place(RESIDENTS[0] ?? "", "A");
  place(RESIDENTS[1] ?? "", "B");
  if (without === "fence") {
    for (const db of Object.values(shards)) {
      for (const what of ["insert", "update", "delete", "message", "forget"]) db.exec(`DROP TRIGGER fence_${what}`);
    }
  }
  return { world, without, directory, shards, oracle: new Oracle() };
}

/** Starts movers until one has finished; each may die at any round trip, and now and then there are two. */
function* moved(s: Setting, from: ShardName, target: ShardName): Task {
  const { world, shards } = s;
  const state = { done: false, lives: 8 };
  function* one(epoch: number): Task {
    const outcome = yield* moveHome(s, { home: HOME, epoch, from: shards[from], to: shards[target], target });
    if (outcome === "moved") state.done = true;
    else yield* again();
    if (outcome === "back") s.oracle.returns += 1;
  }
  function* again(): Task {
    yield* wait(5 + world.below(100));
    if (state.done) return;
    const place = yield* ask(s.directory, () =>
      row<Place>(s.directory, "SELECT shard, epoch FROM homes WHERE home = ?", HOME),
    );
    // If the directory names the target already, only the old rows are left to remove.
    const epoch = (place?.epoch ?? 1) - (place?.shard === target ? 1 : 0);
    state.lives -= 1;
    world.spawn(one(epoch), state.lives > 0 ? 0.05 : 0, () => world.spawn(again()));
  }
  world.spawn(again());
  if (world.random() < 0.3) world.spawn(again());
  while (!state.done) yield* wait(10);
}

function run(seed: number, without: Ablation): { s: Setting; faults: Faults; ended: boolean } {
  const s = settingOf(seed, without);
  const { world, shards } = s;
  const service = new Service(s);
  let stopped = false;
  function* script(): Task {
    yield* wait(600);
    yield* moved(s, "A", "B");
    yield* wait(300);
    yield* moved(s, "B", "A");
    yield* wait(300);
    stopped = true;
    // The sweep: wakes the couriers of what is waiting, in whatever shard.
    for (let n = 0; n < 4; n += 1) {
      yield* wait(300);
      for (const db of Object.values(shards)) {
        for (const { id } of rows<{ id: string }>(db, "SELECT DISTINCT flow_id AS id FROM outbox")) service.wake(id);
      }
    }
  }
  for (let n = 0; n < CLIENTS; n += 1) world.spawn(service.client(() => stopped));
  world.spawn(script());
  const most = MOST_STEPS[without === "none" ? "design" : "ablation"];
  while (world.busy && world.now < most) world.step();
  const place = row<{ shard: ShardName }>(s.directory, "SELECT shard FROM homes WHERE home = ?", HOME);
  const faults = faultsOf(s, { [HOME]: place?.shard ?? "A", [RESIDENTS[0] ?? ""]: "A", [RESIDENTS[1] ?? ""]: "B" });
  return { s, faults, ended: !world.busy && world.errors.length === 0 };
}

function table(lines: readonly (readonly (string | number)[])[]): void {
  const widths = (lines[0] ?? []).map((_, n) => Math.max(...lines.map((line) => String(line[n]).length)));
  const pad = (cell: string | number, n: number) =>
    n === 0 ? String(cell).padEnd(widths[n] ?? 0) : String(cell).padStart(widths[n] ?? 0);
  for (const line of lines) console.log(line.map(pad).join("  "));
}

const asked = Number(process.argv[2] ?? 45);
const only = process.argv[3] === "only";
const began = performance.now();
const lines: (string | number)[][] = [
  [
    "",
    "runs",
    "accepted",
    "refused",
    "deaths",
    "late",
    "lapses",
    "returns",
    "lost",
    "doubled",
    "revived",
    "stale",
    "unsent",
    "disorder",
    "miscount",
    "bad runs",
  ],
];
const calls: number[] = [];
let broken = 0;
let staying = 0;
let displaced = 0;
for (const without of only ? (["none"] as const) : (Object.keys(ablations) as Ablation[])) {
  const runs = without === "none" ? asked : Math.ceil(asked / 3);
  const sums = Array.from({ length: 14 }, () => 0);
  for (let seed = 1; seed <= runs; seed += 1) {
    const { s, faults, ended } = run(seed, without);
    const { lost, doubled, revived, staleReads, unsent, outOfOrder, miscounted } = faults;
    const found = [lost, doubled, revived, staleReads, unsent, outOfOrder, miscounted];
    const bad = found.some((n) => n > 0) || !ended;
    if (bad && without === "none") broken += 1;
    if (bad && without === "none") console.log(seed, s.world.now, JSON.stringify(faults), s.world.errors[0] ?? "");
    const { oracle, world } = s;
    const line = [
      oracle.accepted,
      oracle.refused,
      world.crashes,
      world.lateStatements,
      oracle.lapses,
      oracle.returns,
      ...found,
      Number(bad),
    ];
    for (const [n, value] of line.entries()) sums[n] = (sums[n] ?? 0) + value;
    if (without === "none") {
      calls.push(...oracle.freezeCalls);
      const places = new Map(
        rows<{ id: string; pos: number }>(s.shards.A, "SELECT id, pos FROM flows WHERE home = ?", HOME).map(
          ({ id, pos }) => [id, pos],
        ),
      );
      staying += places.size;
      displaced += [...places].filter(([id, pos]) => oracle.flows.get(id)?.pos !== pos).length;
    }
  }
  lines.push([ablations[without], runs, ...sums]);
}
table(lines);
console.log(
  `flows that had to take another place because theirs was taken in the new shard: ${displaced} of ${staying}`,
);
const at = (list: number[], part: number) => list.toSorted((a, b) => a - b)[Math.floor((list.length - 1) * part)];
console.log(
  `round trips of the mover inside a freeze: median ${at(calls, 0.5)}, p95 ${at(calls, 0.95)}, most ${at(calls, 1)} (${calls.length} moves)`,
);
console.log(
  `${((performance.now() - began) / 1000).toFixed(1)} s; ${broken === 0 ? "the design holds" : `THE DESIGN FAILS in ${broken} runs`}`,
);
process.exitCode = broken === 0 ? 0 : 1;
