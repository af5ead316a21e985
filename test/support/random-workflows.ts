import * as fc from "fast-check";

import type { Event, Pending, State } from "../../src/executions/state.ts";
import type { Command, Commands, Workflow } from "../../src/workflows/model.ts";

const condition = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom("1 = 1", "false", "a.n > 2", "$exists(b)", "$count(l) > 2", "share.x = 1") },
  { weight: 1, arbitrary: fc.constant("$number('x')") },
);
const value = fc.constantFrom<unknown>(
  "{{a.n + 1}}",
  "{{$append(l, 1)}}",
  { x: "{{it}}" },
  1,
  [1, 2],
  "<{{b}}>",
  "{{none}}",
  "{{$}}",
);
const path = fc.constantFrom("a", "b.n", "l", "l.1", "share.x", "a.b.c", "__proto__.x", "constructor", "it");
const name = fc.constantFrom("a", "b", "c");
const fields = fc.constant({ n: { rule: "number", optional: true } } as const);
const some = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 2 });
/** As the document has it: what is not said is not there. */
const said = <T extends object>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record(model).map((made) => JSON.parse(JSON.stringify(made)) as T);
const word = <K extends string>(command: K) => fc.constant(command);

const rarely = <T>(one: T) =>
  fc.oneof({ weight: 11, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.constant(one) });
const usually = <T>(one: T, other: T) => rarely(other).map((made) => made ?? one);

const route = said({
  command: word("route"),
  name: some(name),
  uri: fc.constantFrom("/a", "/{{a.n}}"),
  export: some(value),
  validate: some(fields),
  namespace: some(path),
  merge: some(fc.boolean()),
  checkpoint: rarely(true),
  terminal: rarely(true),
});

const { commands } = fc.letrec<{ commands: Commands; block: Commands }>((tie) => ({
  commands: fc.array(commandWith(tie("block")), { minLength: 1, maxLength: 5, size: "max" }) as fc.Arbitrary<Commands>,
  block: fc.oneof({ depthSize: "small", withCrossShrink: true }, fc.constant<Commands>([]), tie("commands")),
}));

function commandWith(block: fc.Arbitrary<Commands>): fc.Arbitrary<Command> {
  const calls = { namespace: some(path), merge: some(fc.boolean()), async: some(fc.boolean()) };
  const exchange = { command: word("exchange"), name: some(name), url: fc.constant("https://a.example/{{a.n}}") };
  const one = fc.record({ equals: fc.constantFrom(1, 2, null), do: block, break: fc.boolean() });
  const set = said({
    command: word("set"),
    values: fc.dictionary(path, value, { maxKeys: 3 }),
    merge: some(fc.boolean()),
  });
  const wait = { command: word("wait"), event: some(name), seconds: some(fc.constant(5)), namespace: some(path) };
  const arbitraries = [
    route,
    route,
    route,
    set,
    set,
    said({ ...exchange, ...calls, validate: some(fields), fallback: some(block) }),
    said({
      command: word("function"),
      name: fc.oneof(fc.constantFrom("f", "g"), usually("f", "none")),
      input: some(value),
      ...calls,
    }),
    said({ command: fc.constantFrom("if" as const, "match" as const), condition, do: block, else: some(block) }),
    said({
      command: word("switch"),
      value: some(fc.constantFrom("a.n", "2")),
      cases: fc.array(one, { minLength: 1, maxLength: 3 }),
      default: some(block),
    }),
    said({ command: word("loop"), do: block, until: condition, most: some(fc.constantFrom(1, 3)) }),
    said({ command: word("path"), name: fc.constantFrom("p", "q") }),
    said({ command: word("log"), message: fc.constant("{{b}}") }),
    said(wait),
    said({ command: word("sharable"), of: fc.constant("execution" as const), namespace: some(path) }),
  ];
  const ends = [
    said({ command: fc.constantFrom("success" as const), result: some(value) }),
    said({ command: word("error"), code: fc.constant("OWN"), message: fc.constant("No {{a}}.") }),
    said({ command: word("decision"), decision: fc.constant("{{a.n}}"), result: some(value) }),
  ];
  return fc.oneof(
    { withCrossShrink: true },
    { weight: 14, arbitrary: fc.oneof({ withCrossShrink: true }, ...(arbitraries as fc.Arbitrary<Command>[])) },
    { weight: 1, arbitrary: fc.oneof(...(ends as fc.Arbitrary<Command>[])) },
  );
}

export const script: fc.Arbitrary<Workflow> = fc
  .record({ commands, f: commands, g: commands, p: commands, q: commands })
  .map((made) => ({
    name: "x",
    access: "public",
    expires: 60,
    log: true,
    routes: { a: { uri: "/registered", validate: { n: { rule: "number", optional: true } } } },
    functions: {
      f: { commands: made.f },
      g: { validate: { x: { rule: "number", optional: true } }, commands: made.g },
    },
    paths: { p: made.p, q: made.q },
    commands: made.commands,
  }));

const payload = fc.constantFrom<unknown>({ n: 1 }, { n: "3" }, { n: "x" }, { v: [1], b: { n: 2 } }, undefined, 7);
export interface Move {
  readonly kind: string;
  readonly pick: number;
  readonly payload: unknown;
}
const move: fc.Arbitrary<Move> = fc.record({
  kind: fc.constantFrom(
    "submit",
    "submit",
    "submit",
    "submit",
    "back",
    "back",
    "call",
    "answer",
    "answer",
    "answer",
    "fail",
    "due",
    "signal",
    "stale",
    "backAgain",
  ),
  pick: fc.nat(5),
  payload,
});
export const moves = fc.array(move, { minLength: 4, maxLength: 14, size: "max" });

const picked = (state: State, pick: number, ...kinds: Pending["kind"][]): string => {
  const pending = Object.values(state.pending).filter(({ kind }) => kinds.includes(kind));
  return pending[pick % Math.max(1, pending.length)]?.id ?? "p0";
};

export function eventOf(state: State, { kind, pick, payload: given }: Move, at: number): Event {
  const fresh = { at: at * 1000, uuid: `r${at}` };
  const routeUuid = state.route?.uuid ?? "r?";
  const hash = JSON.stringify(given ?? null);
  switch (kind) {
    case "submit":
      return { type: "submit", routeUuid, payload: given, hash, ...fresh };
    case "stale":
      return {
        type: "submit",
        routeUuid: state.submitted?.uuid ?? "r??",
        payload: given,
        hash: state.submitted?.hash ?? hash,
        ...fresh,
      };
    case "back":
      return { type: "back", routeUuid, payload: given, ...fresh };
    case "backAgain":
      return { type: "back", routeUuid: state.wentBack?.uuid ?? "r??", payload: given, ...fresh };
    case "call":
      return { type: "call", name: pick > 3 ? "g" : "f", payload: given, thread: `c${at}`, at: fresh.at };
    case "answer":
      return { type: "answered", id: picked(state, pick, "exchange", "sharable"), result: given, ...fresh };
    case "fail":
      return { type: "answered", id: picked(state, pick, "exchange"), fault: { code: "DOWN", message: "x" }, ...fresh };
    case "due":
      return { type: "due", id: picked(state, pick, "timer", "event"), ...fresh };
    case "signal":
      return { type: "signal", name: ["a", "b", "c"][pick % 3]!, payload: given, ...fresh };
    default:
      return { type: "terminate", at: fresh.at };
  }
}
