/** What a run comes to, told as simply as can be: all that is due is done, then what belongs together is put together. */
export type Kind = "call" | "filter" | "split" | "aggregate";
export type Outcome = "ok" | "passing" | "fault" | "unreachable";

export interface Step {
  readonly id: string;
  readonly kind: Kind;
  readonly continues: boolean;
  readonly next: readonly string[];
}

interface Scope {
  readonly parent: Scope | undefined;
  readonly held: Map<string, string[]>;
  live: number;
  failed: number;
  isClosed: boolean;
}

interface Token {
  readonly step: string;
  readonly data: string;
  readonly scope: Scope;
  readonly gathered?: boolean;
}

export type States = Record<string, Record<string, number>>;

/** What a filter lets through. */
export const passes = (data: string): boolean => data.length % 3 !== 0;
export const parts = (data: string): string[] => [`${data}0`, `${data}1`];
export const joined = (all: readonly string[]): string => all.toSorted().join("+");

const MOST = 250;

/** The longest way to each step; the steps stand in an order in which messages come to them. */
function ranksOf(steps: readonly Step[]): Record<string, number> {
  const ranks: Record<string, number> = {};
  for (const { id, next } of steps) {
    const rank = (ranks[id] ??= 0);
    for (const target of next) ranks[target] = Math.max(ranks[target] ?? 0, rank + 1);
  }
  return ranks;
}

/** The states of all steps and the status of the run; undefined if the run would be too long for a test. */
export function expected(steps: readonly Step[], outcomeOf: (step: string, data: string) => Outcome) {
  const byId = new Map(steps.map((step) => [step.id, step]));
  const ranks = ranksOf(steps);
  const states: States = {};
  const root: Scope = { parent: undefined, held: new Map(), live: 0, failed: 0, isClosed: false };
  const scopes = [root];
  const due: Token[] = [];
  let count = 0;
  let arrived = false;

  const put = (token: Token): void => {
    count += 1;
    token.scope.live += 1;
    due.push(token);
  };
  const note = (step: string, state: string): void => {
    const of = (states[step] ??= {});
    of[state] = (of[state] ?? 0) + 1;
  };
  const send = ({ step, scope }: Token, all: readonly string[], into: Scope = scope): void => {
    const { next } = byId.get(step)!;
    if (next.length === 0 || all.length === 0) arrived = true;
    for (const data of all) for (const target of next) put({ step: target, data, scope: into });
  };
  const work = (token: Token): void => {
    const { step, data, scope } = token;
    const { kind, continues } = byId.get(step)!;
    scope.live -= 1;
    if (kind === "filter" && !passes(data)) return note(step, "filtered");
    if (kind === "aggregate" && token.gathered !== true) {
      scope.held.set(step, [...(scope.held.get(step) ?? []), data]);
      return note(step, "gathered");
    }
    const outcome = kind === "call" ? outcomeOf(step, data) : "ok";
    const fails = outcome === "fault" || outcome === "unreachable";
    if (fails && !continues) {
      scope.failed += 1;
      return note(step, "failed");
    }
    note(step, fails ? "excused" : "done");
    if (kind !== "split" || byId.get(step)!.next.length === 0) return send(token, [data]);
    const inner: Scope = { parent: scope, held: new Map(), live: 0, failed: 0, isClosed: false };
    scopes.push(inner);
    send(token, parts(data), inner);
  };
  const gather = (scope: Scope, step: string, into: Scope): void => {
    const data = joined(scope.held.get(step)!);
    scope.held.delete(step);
    if (scope.failed === 0) return put({ step, data, scope: into, gathered: true });
    count += 1;
    into.failed += 1;
    note(step, "failed");
  };
  const isQuiet = (scope: Scope): boolean =>
    scope.live === 0 && scopes.every((inner) => inner.parent !== scope || inner.isClosed);

  put({ step: steps[0]!.id, data: "r", scope: root });
  for (;;) {
    for (let token = due.shift(); token !== undefined; token = due.shift()) {
      if (count > MOST) return undefined;
      work(token);
    }
    const inner = scopes.findLast((scope) => scope.parent !== undefined && !scope.isClosed && isQuiet(scope));
    if (inner !== undefined) {
      inner.isClosed = true;
      if (inner.held.size === 0) inner.parent!.failed += inner.failed;
      for (const step of inner.held.keys()) gather(inner, step, inner.parent!);
      continue;
    }
    const first = [...root.held.keys()].toSorted(
      (one, other) => ranks[one]! - ranks[other]! || (one < other ? -1 : 1),
    )[0];
    if (first === undefined) break;
    gather(root, first, root);
  }
  const all = Object.values(states);
  const filtered = all.some((state) => "filtered" in state);
  const status = all.some((state) => "failed" in state) ? "failed" : filtered && !arrived ? "filtered" : "completed";
  return { states, status, count };
}
