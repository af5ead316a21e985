import type { Commands, Workflow } from "../../src/workflows/model.ts";
import { begin, interpret, viewOf } from "../../src/executions/interpret.ts";
import { sizeOf } from "../../src/executions/size.ts";
import type { Event, Outcome, Pending, RouteView, State, Thread, Values, View } from "../../src/executions/state.ts";

export type Parts = Partial<Omit<Workflow, "commands">>;
type Sent = Event extends infer E
  ? E extends Event
    ? Omit<E, "at" | "uuid"> & { at?: number; uuid?: string }
    : never
  : never;

export const script = (commands: Commands, parts: Parts = {}): Workflow => {
  return { name: "x", access: "public", expires: 60, log: true, ...parts, commands };
};

/** An execution that is driven, with its uuids numbered. */
export class Play {
  readonly script: Workflow;
  outcome!: Outcome;
  #uuids = 0;

  static async of(commands: Commands, parts: Parts = {}, input?: unknown): Promise<Play> {
    const play = new Play(script(commands, parts));
    play.outcome = await begin(play.script, { uuid: "e", input, at: 1000, routeUuid: play.#fresh() });
    return play;
  }

  private constructor(of: Workflow) {
    this.script = of;
  }

  #fresh(): string {
    this.#uuids += 1;
    return `r${this.#uuids}`;
  }

  get state(): State {
    return this.outcome.state;
  }
  get main(): Thread {
    return this.state.threads["main"]!;
  }
  get attributes(): Values {
    return this.main.attributes;
  }
  get pending(): Pending[] {
    return Object.values(this.state.pending);
  }
  get view(): View {
    return viewOf(this.state);
  }
  get route(): RouteView {
    const view = this.view;
    if (view.kind !== "route") throw new Error(`No route: ${JSON.stringify(view)}`);
    return view.route;
  }

  async send(event: Sent): Promise<this> {
    const known = this.state;
    const isSmall = sizeOf(known) < 1_000_000;
    const before = isSmall ? JSON.stringify(known) : "";
    this.outcome = await interpret(this.script, known, { at: 2000, uuid: this.#fresh(), ...event });
    if (isSmall && JSON.stringify(known) !== before) throw new Error("The state that was given has changed.");
    if (this.outcome.refused !== undefined && this.outcome.state !== known) throw new Error("A refusal left a mark.");
    return this;
  }
  submit(payload?: unknown, more: Partial<Sent> = {}): Promise<this> {
    const hash = JSON.stringify(payload ?? null);
    return this.send({ type: "submit", routeUuid: this.state.route?.uuid ?? "none", payload, hash, ...more } as Sent);
  }
  back(payload?: unknown): Promise<this> {
    return this.send({ type: "back", routeUuid: this.state.route?.uuid ?? "none", payload });
  }
  answer(result: unknown, id = this.pending[0]!.id): Promise<this> {
    return this.send({ type: "answered", id, result });
  }
  fault(code: string, id = this.pending[0]!.id): Promise<this> {
    return this.send({ type: "answered", id, fault: { code, message: "It failed." } });
  }
  due(id = this.pending[0]!.id): Promise<this> {
    return this.send({ type: "due", id });
  }
  signal(name: string, payload?: unknown): Promise<this> {
    return this.send({ type: "signal", name, payload });
  }
  call(name: string, payload?: unknown, thread = "c1"): Promise<this> {
    return this.send({ type: "call", name, payload, thread });
  }
}

export const route = (name: string, more: object = {}) =>
  ({ command: "route", name, uri: `/${name}`, ...more }) as const;
export const set = (values: Record<string, unknown>, merge?: boolean) =>
  ({ command: "set", values, ...(merge === undefined ? {} : { merge }) }) as const;
export const success = (result?: unknown) =>
  ({ command: "success", ...(result === undefined ? {} : { result }) }) as const;
export const call = (more: object = {}) =>
  ({ command: "exchange", url: "https://a.example/{{x}}", namespace: "got", ...more }) as const;
export const func = (name: string, more: object = {}) =>
  ({ command: "function", name, namespace: "f", ...more }) as const;
export const wait = (more: object) => ({ command: "wait", ...more }) as const;

export const resultOf = async (commands: Commands, parts: Parts = {}, input?: unknown) =>
  (await Play.of(commands, parts, input)).state.end?.result;
