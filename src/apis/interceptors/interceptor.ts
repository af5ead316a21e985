import type { z } from "zod";

export const stages = ["request", "response"] as const;
export type Stage = (typeof stages)[number];

export const places = ["api", "resource", "operation", "plan"] as const;
/** Where an interceptor may stand: in the flow of a scope, or in that of a plan. */
export type Place = (typeof places)[number];

export const categories = ["traffic", "security", "mediation", "transformation", "tracing", "custom"] as const;
export type Category = (typeof categories)[number];

/** What the catalogue says of a type of interceptors. */
export interface Interceptor<T extends string = string, C extends z.ZodType = z.ZodType> {
  readonly type: T;
  readonly category: Category;
  readonly description: string;
  readonly stages: readonly Stage[];
  readonly scopes: readonly Place[];
  readonly config: C;
  /** Fields of the config that hold an address. */
  readonly addresses?: readonly AddressField[];
  /** The body that has to be read before it works on a list; without one, bodies are streamed. */
  needsBody?(config: z.output<C>, stage: Stage): Stage | undefined;
  /** `counter`: it asks a Durable Object for each call. */
  readonly keeps?: "counter";
  /** Whether the app is known behind it. */
  identifies?(config: z.output<C>): boolean;
}

export interface AddressField {
  readonly field: string;
  /** Whether only https will do. */
  readonly https?: true;
  /** Whether it may begin with a field of the app or the token. */
  readonly ofCaller?: true;
}

export const interceptor = <T extends string, C extends z.ZodType>(one: Interceptor<T, C>): Interceptor<T, C> => one;

export const everywhere = places;
/** Not in plans, whose interceptors run only once the app is known, or for that app alone. */
export const beforePlans = ["api", "resource", "operation"] as const;
export const onRequest = ["request"] as const;
export const onBoth = stages;
