import type { Database } from "../db/client.ts";
import type { Config } from "../platform/config.ts";
import type { Actor } from "./actor.ts";

/** All that a verb knows of the world. A further field is a discussion about design. */
export interface Context {
  readonly actor: Actor;
  readonly db: Database;
  readonly config: Config;
  readonly objects: Env["FLOW_OBJECT"];
  readonly requestId: string;
  readonly now: () => number;
  /** Goes on after the answer is out. */
  readonly defer: (promise: Promise<unknown>) => void;
}

export interface HttpEnv {
  Bindings: Env;
  Variables: {
    requestId: string;
    config: Config;
    context: Context;
    /** The parsed JSON body, where the route asked for one. */
    body: unknown;
  };
}
