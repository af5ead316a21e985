/** Whether all sides do the same: the target must get the same requests, and the runs must end alike. */
import { order, pathOf, sides, workerOf, type Measured, type Side } from "./flows.ts";
import { listed, untilEnded, type Stage } from "./stage.ts";
import type { Taken } from "./target.ts";

const RUNS = 12;
/** Every so many an order is too small for the filter. */
const SMALL_EVERY = 4;

interface Done {
  readonly answers: readonly string[];
  readonly taken: readonly Taken[];
}

async function doneBy({ server, target }: Stage, side: Side, flow: Measured): Promise<Done> {
  await target.take(true);
  const answers: string[] = [];
  for (let nth = 0; nth < RUNS; nth += 1) {
    const small = nth % SMALL_EVERY === 0;
    const answer = await fetch(`http://127.0.0.1:${server.ports[workerOf(side)]}${pathOf(side, flow)}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(order(nth, small ? 5 : 100 + nth)),
    });
    const text = await answer.text();
    const status = /"status":"(\w+)"/.exec(text)?.[1];
    answers.push(status === undefined ? `${answer.status} ${text}` : `${answer.status} ${status}`);
  }
  await untilEnded(server, side, flow);
  return { answers, taken: (await target.take()).taken };
}

async function faultsOf(stage: Stage, flow: Measured): Promise<string[]> {
  const due = await doneBy(stage, "product", flow);
  const faults: string[] = [];
  const expected = flow.name === "orders" ? RUNS - RUNS / SMALL_EVERY : RUNS;
  if (due.taken.length !== expected) {
    faults.push(`${flow.name}: the product called the target ${due.taken.length} times, not ${expected}.`);
  }
  for (const side of sides.filter((one) => one !== "product")) {
    const done = await doneBy(stage, side, flow);
    for (const key of ["answers", "taken"] as const) {
      const [found, wanted] = [done[key], due[key]].map((list) => list.map((one) => JSON.stringify(one)));
      const nth = wanted!.findIndex((one, index) => one !== found![index]);
      const at = nth < 0 && found!.length > wanted!.length ? wanted!.length : nth;
      if (at >= 0) faults.push(`${flow.name}: ${key} of ${side}\n${found![at]}\nof the product\n${wanted![at]}`);
    }
    if (side === "listed") faults.push(...(await differentLists(stage, flow)));
  }
  return faults;
}

async function differentLists({ server }: Stage, flow: Measured): Promise<string[]> {
  const [product, plain] = [await listed(server, "product", flow), await listed(server, "listed", flow)];
  const [found, due] = [plain, product].map((all) => JSON.stringify([...all.entries()].map(String).toSorted()));
  return found === due ? [] : [`${flow.name}: listed are ${found}, of the product ${due}.`];
}

/** Answers what is not as it should be. */
export async function check(stage: Stage, flows: readonly Measured[]): Promise<string[]> {
  const faults: string[] = [];
  for (const flow of flows) faults.push(...(await faultsOf(stage, flow)));
  return faults;
}
