import { byId, type Entry, type EntryDraft, type Stage, stages } from "./entry.ts";
import { everySaved, flowAt, type FlowDraft, type Flows, nameOf, noFlow, parentOf, type Scope } from "./flows.ts";

export interface EditFault {
  readonly code: "ID_REPEATED" | "ID_TAKEN" | "TYPE_CHANGED";
  readonly list: Stage;
  readonly index: number;
  readonly message: string;
}

/** What keeps lists from being saved for a scope. A break of the flow is no fault. */
export function faultsOfEdit(flows: Flows, scope: Scope, next: FlowDraft): EditFault[] {
  const known = new Map([...byId(parentOf(flows, scope)), ...byId(flowAt(flows, scope) ?? noFlow)]);
  const others = entriesElsewhere(flows, scope);
  const seen = new Set<string>();
  return stages.flatMap((list) =>
    next[list].flatMap((entry, index): EditFault[] => {
      const at = { list, index };
      const repeated = seen.has(entry.id);
      seen.add(entry.id);
      if (repeated) return [{ ...at, code: "ID_REPEATED", message: repeatedMessage(entry) }];
      const mine = known.get(entry.id);
      if (mine !== undefined) return mine.type === entry.type ? [] : [{ ...at, ...typeFault(entry, mine) }];
      return (others.get(entry.id) ?? []).flatMap((other) => faultOfTaken(entry, scope, other, at)).slice(0, 1);
    }),
  );
}

type Place = Pick<EditFault, "list" | "index">;

interface Elsewhere {
  readonly scope: Scope;
  readonly entry: Entry;
}

/** A flow below may have kept what this one dropped while it was broken: then it is the same one coming back. */
function faultOfTaken(entry: EntryDraft, scope: Scope, other: Elsewhere, at: Place): EditFault[] {
  if (other.entry.base !== undefined && isBelow(scope, other.scope)) {
    return other.entry.type === entry.type ? [] : [{ ...at, ...typeFault(entry, other.entry) }];
  }
  const message = `The id "${entry.id}" is taken by an interceptor of ${nameOf(other.scope)}. A new one needs an id of its own.`;
  return [{ ...at, code: "ID_TAKEN", message }];
}

const repeatedMessage = ({ id }: EntryDraft): string =>
  `The id "${id}" stands here twice. An id stands once in a flow, whichever list it is on.`;

const typeFault = (entry: EntryDraft, { type }: Entry) => ({
  code: "TYPE_CHANGED" as const,
  message: `The interceptor "${entry.id}" is of the type ${type}, not ${entry.type}. One of another type needs an id of its own.`,
});

function entriesElsewhere(flows: Flows, scope: Scope): ReadonlyMap<string, Elsewhere[]> {
  const all = everySaved(flows).filter(([at]) => at.resource !== scope.resource || at.operation !== scope.operation);
  return Map.groupBy(
    all.flatMap(([at, flow]) => [...byId(flow).values()].map((entry) => ({ scope: at, entry }))),
    ({ entry }) => entry.id,
  );
}

const isBelow = (scope: Scope, other: Scope): boolean =>
  scope.resource === undefined
    ? other.resource !== undefined
    : scope.operation === undefined && scope.resource === other.resource && other.operation !== undefined;
