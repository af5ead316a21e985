import type { Fields } from "../workflows/fields.ts";
import type { CommandOf } from "../workflows/model.ts";
import type { FieldError, FileDescriptor } from "../workflows/rules.ts";

/** Plain JSON objects. All times are milliseconds since 1970. */
export type Values = Readonly<Record<string, unknown>>;

/** Where a thread stands in one list of commands. */
export interface Frame {
  /** JSON pointer into the workflow: /commands, /commands/3/do, /paths/address, /functions/score/commands. */
  readonly block: string;
  /** The command that comes next. */
  readonly index: number;
  /** In the body of a loop: which round it is, from 1. */
  readonly rounds?: number;
}

export interface Fault {
  /** script: its author's or the data's fault. platform: a call or the service failed. */
  readonly by: "script" | "platform";
  readonly code: string;
  readonly message: string;
}

export type Waiting = null | { readonly pending: string } | { readonly route: string };
export type ThreadEnd = { readonly result: unknown } | { readonly fault: Fault };

export const MAIN = "main";

/** One line of work: the script itself, or a function that it or a client called. */
export interface Thread {
  /** `main`, the uuid of a client's call, or an id of the interpreter's own. */
  readonly id: string;
  readonly function?: string;
  /** The innermost one last. */
  readonly frames: readonly Frame[];
  readonly attributes: Values;
  /** What `it` and `init` are; absent if nothing was given. */
  readonly input?: unknown;
  readonly waiting: Waiting;
  /** Ends of its async commands that no wait has taken yet, by name. */
  readonly heard: Values;
  readonly ended?: ThreadEnd;
  /** Whether a client called it: then its end stays to be asked for. */
  readonly byClient: boolean;
}

type CommandRetry = CommandOf<"exchange">["retry"];
type ContentType = NonNullable<CommandOf<"exchange">["contentType"]>;

interface Expected {
  readonly id: string;
  readonly thread: string;
  /** JSON pointer of the command. */
  readonly place: string;
  /** Whether the thread goes on meanwhile. */
  readonly async: boolean;
}
/** An HTTP call, all rendered; its event is `answered` with the body that came, JSON if it was JSON. */
export interface PendingExchange extends Expected {
  readonly kind: "exchange";
  readonly name?: string;
  readonly url: string;
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly headers: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: unknown;
  readonly contentType: ContentType;
  readonly credentials_id?: string;
  /** Seconds. */
  readonly timeout: number;
  readonly retry?: CommandRetry;
}
/** Its event is `due`. */
export interface PendingTimer extends Expected {
  readonly kind: "timer";
  readonly at: number;
}
/** Its event is `due` if `until` comes before the event; a `signal` finds it by its name. */
export interface PendingEvent extends Expected {
  readonly kind: "event";
  readonly name: string;
  readonly until: number | null;
}
/** Nothing is to be done for it: the interpreter runs the function. */
export interface PendingFunction extends Expected {
  readonly kind: "function";
  readonly callee: string;
}
/** A token to make; its event is `answered` with {token, expiredOn}. */
export interface PendingSharable extends Expected {
  readonly kind: "sharable";
  readonly of: "execution" | "payload";
  readonly payload?: unknown;
  /** Absent: six letters and digits are drawn. */
  readonly token?: string;
  readonly seconds: number;
}
export type Pending = PendingExchange | PendingTimer | PendingEvent | PendingFunction | PendingSharable;

/** A route that was shown, and all that going back to it restores. The current one is the last. */
export interface Shown {
  /** JSON pointer of its command. */
  readonly place: string;
  readonly view: { readonly uri: string; readonly name?: string; readonly export?: unknown };
  readonly frames: readonly Frame[];
  readonly attributes: Values;
  readonly share: Values;
  readonly heard: Values;
  readonly signals: Values;
  /** Ids from here on were made behind it. */
  readonly nextId: number;
  /** What was submitted here, as it was submitted. */
  readonly payload?: unknown;
}

/** Route resource of the API. */
export interface RouteView {
  readonly uuid: string;
  readonly uri: string;
  readonly terminal: boolean;
  readonly backEnabled: boolean;
  readonly export?: unknown;
  /** What the view is filled with: a draft, or what was submitted there before. */
  readonly payload?: unknown;
  readonly validate?: Fields;
  readonly name?: string;
}

export interface End {
  readonly status: "terminated" | "failed";
  /** done: a terminal route was shown. */
  readonly kind: "success" | "error" | "decision" | "done";
  readonly result?: unknown;
  readonly fault?: Fault;
  readonly view?: RouteView;
}

export interface State {
  readonly uuid: string;
  readonly startedAt: number;
  /** `main` and the functions that work, and those of clients that ended. */
  readonly threads: Readonly<Record<string, Thread>>;
  readonly share: Values;
  readonly pending: Readonly<Record<string, Pending>>;
  /** The current route: what is not in the last of the history. */
  readonly route: { readonly uuid: string; readonly payload?: unknown; readonly validate?: Fields } | null;
  readonly history: readonly Shown[];
  /** Payloads of routes that were left by going back, by place. */
  readonly drafts: Values;
  readonly submitted: { readonly uuid: string; readonly hash: string } | null;
  /** The route that was left by going back, as long as the one before it is current. */
  readonly wentBack: { readonly uuid: string; readonly hash?: string } | null;
  /** Named events from outside that no wait has taken yet. */
  readonly signals: Values;
  /** Commands that were done, over all threads. */
  readonly count: number;
  readonly nextId: number;
  readonly end: End | null;
}

/** Files of the execution by uuid. */
export type Files = Readonly<Record<string, FileDescriptor>>;

interface Timed {
  readonly at: number;
}
/** `uuid` is a fresh one: of the route that is shown next. */
interface Fresh extends Timed {
  readonly uuid: string;
}
export interface Beginning extends Timed {
  /** Of the execution. */
  readonly uuid: string;
  readonly input?: unknown;
  readonly routeUuid: string;
}
export interface SubmitEvent extends Fresh {
  readonly type: "submit";
  readonly routeUuid: string;
  readonly payload?: unknown;
  /** Of the payload: tells a repeated submit from another one. */
  readonly hash: string;
  readonly files?: Files;
}
export interface BackEvent extends Fresh {
  readonly type: "back";
  readonly routeUuid: string;
  readonly payload?: unknown;
  /** Of the payload: tells a repeated step from another one. */
  readonly hash?: string;
}
/** A client calls a function; `thread` is a fresh uuid. */
export interface CallEvent extends Timed {
  readonly type: "call";
  readonly name: string;
  readonly payload?: unknown;
  readonly thread: string;
  readonly files?: Files;
}
export interface AnsweredEvent extends Fresh {
  readonly type: "answered";
  readonly id: string;
  readonly result?: unknown;
  /** Whose fault it is follows from its code unless it is said. */
  readonly fault?: { readonly by?: Fault["by"]; readonly code: string; readonly message: string };
}
export interface DueEvent extends Fresh {
  readonly type: "due";
  readonly id: string;
}
export interface SignalEvent extends Fresh {
  readonly type: "signal";
  readonly name: string;
  readonly payload?: unknown;
}
/** The back office ends the execution. */
export interface TerminateEvent extends Timed {
  readonly type: "terminate";
}
export type Event = SubmitEvent | BackEvent | CallEvent | AnsweredEvent | DueEvent | SignalEvent | TerminateEvent;

export type Refusal =
  | { readonly kind: "terminated" }
  /** No route is current: the script is working. */
  | { readonly kind: "running" }
  /** It was taken before: answer as if it were now. */
  | { readonly kind: "repeated" }
  | { readonly kind: "stale"; readonly current: string }
  | { readonly kind: "invalid"; readonly errors: readonly FieldError[] }
  | { readonly kind: "backDisabled" }
  /** Nothing with that id is pending any more. */
  | { readonly kind: "gone" }
  /** There is no such function for clients. */
  | { readonly kind: "unknown"; readonly name: string }
  /** MOST.called functions of clients are kept already. */
  | { readonly kind: "tooMany" }
  /** The payload is larger or deeper than the execution can hold. */
  | { readonly kind: "tooLarge" };

export type LineType =
  | "started"
  | "command"
  | "route"
  | "submit"
  | "validation"
  | "back"
  | "exchange"
  | "answer"
  | "function"
  | "attributes"
  | "log"
  | "event"
  | "error"
  | "ended";
/** What the detailed log holds. It may hold what people entered. */
export interface Line {
  readonly type: LineType;
  readonly thread: string;
  readonly place?: string;
  readonly data?: unknown;
}

export interface Outcome {
  /** The same object if it was refused. */
  readonly state: State;
  readonly refused?: Refusal;
  readonly lines: readonly Line[];
}

export type View =
  | { readonly kind: "route"; readonly route: RouteView }
  | { readonly kind: "running" }
  | ({ readonly kind: "fault" } & Fault);
