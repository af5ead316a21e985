import { DurableObject } from "cloudflare:workers";

/** Counts the calls of one key. */
export class CounterObject extends DurableObject<Env> {}
