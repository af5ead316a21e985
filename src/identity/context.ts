import type { Database } from "../db/client.ts";
import type { Config } from "../platform/config.ts";
import type { Actor } from "./actor.ts";

/** A request that its sender may repeat: who sent it under which key, and what it asked. Both are hashes. */
export interface Repeatable {
  readonly key: string;
  readonly fingerprint: string;
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
