import type { Flows, Json, Scope, StoredFlow } from "../apis/model.ts";
import type { InheritanceSettings } from "./inheritance.ts";
import { isBroken } from "./inheritance/break.ts";
import { sameJson } from "./inheritance/entry.ts";
import { childrenOf, flowAt, runningAt } from "./inheritance/flows.ts";
import { wordsOf } from "./scope-view.ts";

/** A saved flow below a scope that was edited, and whether the edit came to it. */
export interface Passed {
  readonly resource: string;
  readonly operation: string;
  readonly reached: boolean;
  /** Why it did not. */
  readonly cause?: "broken" | "broken_above";
}

/** What an edit of a scope meant for the saved flows below. Those that it did not concern are not told. */
export function passedBy(before: Flows, after: Flows, scope: Scope, settings: InheritanceSettings): Passed[] {
  const was = runningAt(before, scope);
  const is = runningAt(after, scope);
  const passesValues = settings.valueInheritance === "live" || scope.resource !== undefined;
  if (passesValues ? same(lists(was), lists(is)) : same(sequence(was), sequence(is))) return [];
  return childrenOf(after, scope).flatMap((below): Passed[] => {
    const child = flowAt(before, below);
    if (child === undefined) return [];
    if (isBroken(was, child)) {
      return [{ ...wordsOf(below), reached: false, cause: "broken" }, ...notReached(after, below)];
    }
    if (same(lists(child), lists(runningAt(after, below)))) return [];
    return [{ ...wordsOf(below), reached: true }, ...passedBy(before, after, below, settings)];
  });
}

const notReached = (flows: Flows, scope: Scope): Passed[] =>
  childrenOf(flows, scope).map((below) => ({ ...wordsOf(below), reached: false, cause: "broken_above" }));

const lists = ({ request, response }: StoredFlow): Json => ({ request, response }) as unknown as Json;
const sequence = ({ request, response }: StoredFlow): Json =>
  [request, response].map((list) => list.map(({ id }) => id));
const same = (one: Json, other: Json): boolean => sameJson(one, other);
