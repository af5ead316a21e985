import type { Database } from "../db/client.ts";
import type { Config } from "../platform/config.ts";
import type { ErrorItem } from "../platform/errors.ts";
import type { Actor } from "./actor.ts";

/** A request that its sender may repeat: who sent it under which key, and what it asked. Both are hashes. */
export interface Repeatable {
  readonly key: string;
  readonly fingerprint: string;
}

/** A place in a flow that names what another service keeps. */
export interface Reference {
  readonly kind: "component" | "secret";
  /** 24 hex digits, in lower case. */
  readonly id: string;
  /** JSON pointer to it. */
  readonly pointer: string;
  /** Of a component: what the step calls of it, and where that stands. */
  readonly called?: { readonly name: string; readonly pointer: string };
}

type Placed = ErrorItem & { readonly pointer: string };

/** What is to be said of the references of one flow. */
export interface Judgement {
  /** What the caller cannot see. */
  readonly hidden: readonly Placed[];
  /** What is surely not meant, and keeps nothing from being done. */
  readonly warnings: readonly Placed[];
  /** Of what nobody said whether the caller sees it. */
  readonly unanswered: readonly Placed[];
}

/** The services that keep what flows refer to, asked in the caller's name. */
export interface Neighbours {
  /** Judges flows, each by its references. */
  judge(flows: readonly (readonly Reference[])[]): Promise<Judgement[]>;
}

/** All that a verb knows of the world. A further field is a discussion about design. */
export interface Context {
  readonly actor: Actor;
  readonly db: Database;
  readonly config: Config;
  readonly objects: Env["FLOW_OBJECT"];
  readonly chores: Queue;
  readonly requestId: string;
  readonly now: () => number;
  /** Goes on after the answer is out. */
  readonly defer: (promise: Promise<unknown>) => void;
  /** Set if the sender may repeat the request. */
  readonly repeat?: Repeatable | undefined;
  /** Whether the request was begun before and broke off. */
  readonly resumed?: boolean;
  /** Set if what flows refer to is to be checked. */
  readonly neighbours?: Neighbours | undefined;
}

export interface HttpEnv {
  Bindings: Env;
  Variables: {
    requestId: string;
    config: Config;
    context: Context;
    /** The parsed JSON body, where the route asked for one. */
    body: unknown;
    /** The same, as it was sent. */
    bodyText?: string;
  };
}
