import type { Caller } from "../apis/client-ip.ts";
import type { ConfigOf, InterceptorType, Stage } from "../apis/interceptors.ts";
import type { Level, Plan } from "../apis/model.ts";
import type { App } from "../apps/model.ts";
import type { Database } from "../db/client.ts";
import type { Config } from "../platform/config.ts";
import type { Body } from "./body.ts";
import type { Answer, Stop } from "./refusal.ts";
import type { Recorder } from "./trace.ts";

/** One call of an API on its way through the gateway. Interceptors change what is not readonly. */
export interface Call {
  /** Request id: of the caller if it sent a good one, else made. */
  readonly id: string;
  /** Milliseconds since 1970 at which it came; the clock stands still while an isolate computes. */
  readonly at: number;
  readonly method: string;
  /** Behind the base path, as it was sent. */
  readonly path: string;
  /** With its `?`, or empty; as it was sent. */
  readonly sentQuery: string;
  /** What the client sent, all of it. Never written to. */
  readonly sent: Headers;
  readonly caller: Caller;
  readonly api: ApiFacts;
  readonly resource: string;
  readonly operation: string;
  /** Methods of the resource. */
  readonly allowed: readonly string[];

  /** For the destination: with its `?`, or empty. */
  query: string;
  /** For the destination. */
  headers: Headers;
  readonly body: Body;
  /** In place of the destination that the flow has. */
  redirect: { readonly url: string; readonly replaces: "address" | "host" } | undefined;

  /** What the destination answered, or what stands in its place: a mock, the cache. */
  answer: Answer | undefined;
  /** Values by name that interceptors leave for those behind them. */
  readonly context: Record<string, unknown>;
  app: App | undefined;
  /** The plan by which the app calls; known once the app is. */
  plan: string | undefined;
  /** Claims of the token that was validated last. */
  token: Readonly<Record<string, unknown>> | undefined;

  /** How many APIs called each other to come here. */
  readonly depth: number;

  /** What is put on whatever answer the call gets, also on a refusal. */
  readonly onEveryAnswer: ((headers: Headers) => void)[];
  /** What is done with the answer of the destination before the interceptors of the response. */
  readonly onDestination: ((answer: Answer) => void | Promise<void>)[];
  /** What is done when the call is over, whatever came of it. */
  readonly onEnd: (() => void)[];
  /** The step that stopped the call; undefined if none did. */
  stoppedBy: object | undefined;
  /** Set by whoever ends the call from within a stream, which can only break off. */
  ended: Stop | undefined;
  /** Present if the call is traced. */
  readonly trace: Recorder | undefined;
}

/** What interceptors know of the API that is called. */
export interface ApiFacts {
  readonly id: string;
  readonly revision: number;
  readonly name: string;
  /** Owner under whom it is listed, or its own id. */
  readonly home: string;
  /** Who made it live: in whose name secrets are opened. */
  readonly startedBy: string | null;
  readonly startedIn: string | null;
  readonly plans: readonly string[];
  readonly environment: string | undefined;
  readonly variables: Readonly<Record<string, string>>;
}

/** What interceptors have of the world. */
export interface World {
  readonly env: Env;
  readonly config: Config;
  readonly now: () => number;
  /** Goes on after the answer is out. */
  readonly defer: (promise: Promise<unknown>) => void;
  /** Made when it is first asked for: most calls need none. */
  readonly db: () => Database;
  /** What goes out, goes through this; in a dry run it may lead nowhere. */
  readonly fetch: typeof fetch;
  /** The same for a use to which a dry run has an answer of its own. */
  readonly fetchFor: (use: Use) => typeof fetch;
  /** A dry run: nothing is counted, kept or cleared. */
  readonly isDry: boolean;
  /** The app with a client id, from the memory of the isolate or from the database. */
  readonly appOf: (clientId: string) => Promise<App | undefined>;
  /** A plan, from the memory of the isolate or from the database. */
  readonly planOf: (id: string) => Promise<Plan | undefined>;
  /** When the answers of a cache were last declared too old, in milliseconds; 0 if never. */
  readonly clearedAt: (apiId: string, cache: string) => number;
  /** Has this isolate know at once that the answers of a cache are too old. */
  readonly cleared: (apiId: string, cache: string, at: number) => void;
  /** Calls another API without leaving the gateway. */
  readonly callApi: (target: ApiTarget) => Promise<Answer>;
}

/** What something is fetched for: the answer of the destination, or that of a callout by its variable. */
export type Use = "destination" | "keys" | { readonly variable: string | undefined };

export interface ApiTarget {
  readonly from: Call;
  readonly apiId: string;
  readonly revision?: number | undefined;
  readonly resource: string;
  readonly operation: string;
  /** Of the path's parameters by their order, each encoded already. */
  readonly values: readonly string[];
  /** With its `?`, or empty. */
  readonly query: string;
  readonly headers: Headers;
  readonly body: Uint8Array | null;
  readonly timeoutMs: number;
  /** Under which the answer will stand in the context. */
  readonly variable?: string;
}

/** What an interceptor came to: nothing, an end of the call, or something that the end of the list waits for. */
export type Outcome = Stop | { readonly later: Promise<Stop | undefined> } | undefined;

export type Run = (call: Call, world: World) => Outcome | Promise<Outcome>;

/** What is known of an interceptor's place when it is made ready, once per revision. */
export interface Placed {
  readonly id: string;
  readonly stage: Stage;
  readonly level: Level | "plan";
  /** The same for all places where it stands with the same config: what is counted or kept goes by it. */
  readonly key: string;
  readonly api: ApiFacts;
  /** Whether private addresses may be called. */
  readonly allowPrivate: boolean;
}

/** Makes an interceptor ready. Its config has all defaults, and variables of the environment are filled in where they stand as `{{env.NAME}}`. */
export type Prepare<T extends InterceptorType> = (config: ConfigOf<T>, placed: Placed) => Run;
