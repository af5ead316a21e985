import { everyCommand, type Unit, unitsOf } from "./blocks.ts";
import { type DocumentPath, type Fault, fault } from "../platform/faults.ts";
import type { Workflow } from "./model.ts";

export interface Call {
  readonly unit: Unit;
  /** Of the command that calls. */
  readonly path: DocumentPath;
}

/** Which paths and functions lead to which. */
export interface References {
  /** What is called comes before what calls it. */
  readonly order: readonly Unit[];
  readonly callsOf: ReadonlyMap<Unit, readonly Call[]>;
  /** What leads back to itself. */
  readonly recursions: readonly Fault[];
}

export function referencesOf(workflow: Workflow): References {
  const units = unitsOf(workflow);
  const byName = new Map(units.map((unit) => [`${unit.kind} ${unit.name}`, unit]));
  const callsOf = new Map(units.map((unit) => [unit, callsIn(unit, byName)]));
  const order: Unit[] = [];
  const recursions: Fault[] = [];
  const seen = new Set<Unit>();
  const open: Unit[] = [];
  const visit = (unit: Unit) => {
    seen.add(unit);
    open.push(unit);
    for (const call of callsOf.get(unit)!) {
      const at = open.indexOf(call.unit);
      if (at >= 0) recursions.push(recursion([...open.slice(at), call.unit], call.path));
      else if (!seen.has(call.unit)) visit(call.unit);
    }
    open.pop();
    order.push(unit);
  };
  for (const unit of units) if (!seen.has(unit)) visit(unit);
  return { order, callsOf, recursions };
}

const callsIn = (unit: Unit, byName: ReadonlyMap<string, Unit>): Call[] =>
  [...everyCommand(unit)].flatMap(({ command, path }) => {
    if (command.command !== "path" && command.command !== "function") return [];
    const called = byName.get(`${command.command} ${command.name}`);
    return called === undefined ? [] : [{ unit: called, path }];
  });

function recursion(chain: readonly Unit[], path: DocumentPath): Fault {
  const hasFunction = chain.some(({ kind }) => kind === "function");
  const names = chain.map(({ name }) => name);
  const shown = names.length > 10 ? [...names.slice(0, 5), "…", ...names.slice(-4)] : names;
  const called = chain.at(-1)!;
  const message = `The ${called.kind} "${called.name}" leads back to itself: ${shown.join(" → ")}. Use a loop.`;
  return fault(hasFunction ? "FUNCTION_RECURSIVE" : "PATH_RECURSIVE", [...path, "name"], message);
}

/** Functions work without anybody who could be shown a route. */
export function routesInFunctions({ order, callsOf }: References): Fault[] {
  const showing = new Set<Unit>();
  for (const unit of order) {
    const own = [...everyCommand(unit)].some(({ command }) => command.command === "route");
    const called = callsOf.get(unit)!.some((call) => call.unit.kind === "path" && showing.has(call.unit));
    if (own || called) showing.add(unit);
  }
  return order
    .filter(({ kind }) => kind === "function")
    .flatMap((unit) => [
      ...[...everyCommand(unit)]
        .filter(({ command }) => command.command === "route")
        .map(({ path }) => fault("ROUTE_IN_FUNCTION", path, `The function "${unit.name}" cannot show a route.`)),
      ...callsOf
        .get(unit)!
        .filter((call) => call.unit.kind === "path" && showing.has(call.unit))
        .map((call) => {
          const message = `The function "${unit.name}" cannot show a route, and the path "${call.unit.name}" has one.`;
          return fault("ROUTE_IN_FUNCTION", call.path, message);
        }),
    ]);
}
