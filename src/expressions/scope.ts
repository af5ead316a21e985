/** The binding that holds the meter of an evaluation. No variable can be written with a space in its name. */
export const METER = " meter";

export const ENTRY = Symbol.for("jsonata.__evaluate_entry");
export const EXIT = Symbol.for("jsonata.__evaluate_exit");
export const PUSH = Symbol.for("jsonata.__createFrame_push");

/** A scope of jsonata. `base` is the outermost one of the evaluation. */
export interface Scope {
  bind(name: string | symbol, value: unknown): void;
  lookup(name: string | symbol): unknown;
  readonly base: Scope;
  readonly timestamp: Date;
  depth: number;
  level?: number;
  RegexEngine: unknown;
}

export interface Focus {
  readonly environment: Scope;
  createSequence(...items: unknown[]): unknown[];
}

export type Native = (this: Focus, ...args: unknown[]) => unknown;
