import type { MappedComponent } from "../components/model.ts";
import type { Secret } from "../secrets/open.ts";
import type { Config } from "../platform/config.ts";
import type { Item } from "./journal.ts";
import type { Message, Reply, RunEnd, RunFacts } from "./model.ts";
import type { PlannedStep } from "./plan.ts";
import type { Fault } from "./settle.ts";
import type { Snapshots } from "./snapshots.ts";

/** What a step may use of the world. */
export interface World {
  readonly config: Config;
  readonly now: () => number;
  readonly fetch: typeof fetch;
  /** The secret that the step names, asked for in the name of whoever started the flow. */
  readonly secret: (id: string) => Promise<Secret>;
  /** Begins a run of another flow, once per item however often it is asked, and answers its id. */
  readonly callFlow: (flowId: string, message: Message, call: FlowCall) => Promise<string>;
  /** How another run ended; undefined while it goes on. */
  readonly endOf: (run: string) => Promise<RunEnd | undefined>;
  /** Where the component of an id is, if an admin mapped it. */
  readonly component: (id: string) => Promise<MappedComponent | undefined>;
  /** The service that a binding of the Worker leads to. */
  readonly service: (binding: string) => Pick<Fetcher, "fetch"> | undefined;
  readonly snapshot: Snapshots;
}

export interface FlowCall {
  readonly item: number;
  readonly waits: boolean;
  /** Whether the called run goes on if it has failed. */
  readonly again: boolean;
}

/** One message at one step, with all that the step needs. */
export interface StepCall {
  readonly step: PlannedStep;
  readonly message: Message;
  readonly item: Item;
  readonly facts: RunFacts;
  /** Values that expressions see beside the message: `$flow`, `$run`, `$step`, `$vars`. */
  readonly bindings: Readonly<Record<string, unknown>>;
  readonly world: World;
  /** Of a step that puts messages together: their payloads, and how many failed on the way. */
  readonly gathered?: { readonly data: readonly unknown[]; readonly failed: number } | undefined;
}

export type StepAnswer =
  | {
      readonly kind: "sent";
      readonly messages: readonly Message[];
      /** Whether the messages belong together and are counted by themselves. */
      readonly opensScope?: boolean;
      /** Whether only the first edge whose condition is met is taken. */
      readonly takesFirst?: boolean;
      readonly reply?: Reply;
      /** What is left to do once it is known where the messages go. */
      readonly keep?: () => Promise<void>;
    }
  | { readonly kind: "filtered" }
  | { readonly kind: "gathered" }
  | { readonly kind: "waits"; readonly until: number; readonly memo: string }
  | { readonly kind: "rebound" };

export interface Line {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly message: string;
}

/** The work of one component. Lines that it writes are kept whatever becomes of it. */
export type Step = (call: StepCall, write: (line: Line) => void) => Promise<StepAnswer>;

/** Thrown by a step that cannot do its work. */
export class StepFault extends Error {
  override readonly name = "StepFault";
  readonly fault: Fault;

  constructor(code: string, message: string, more: { mayPass?: boolean; waitMs?: number | undefined } = {}) {
    super(message);
    this.fault = { code, message, mayPass: more.mayPass ?? false, waitMs: more.waitMs };
  }
}
