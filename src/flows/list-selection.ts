import type { Reach } from "../identity/ownership.ts";
import type { FlowStatus } from "./model.ts";

/** Which flows are meant. */
export interface Selection {
  readonly reach: Reach;
  /** An owner outside of the reach that the flows must have too. */
  readonly alsoOwnedBy?: string | undefined;
  readonly statuses: readonly FlowStatus[];
  readonly facets: readonly (readonly [
    facet: "type" | "fromTemplate" | "componentId" | "credentials_id",
    value: string,
  ])[];
  /** Folded. */
  readonly term?: string | undefined;
  readonly created: Span;
  readonly updated: Span;
}

/** Milliseconds since 1970; the end is not in it. */
export interface Span {
  readonly from?: number | undefined;
  readonly to?: number | undefined;
}

export interface Order {
  readonly by: "created" | "updated" | "name";
  readonly descending: boolean;
}

export interface Place {
  readonly key: string | number;
  readonly pos: number;
}

export interface Portion {
  readonly most: number;
  readonly offset: number;
  /** Only what stands behind this place. */
  readonly behind?: Place | undefined;
}

export interface Plan {
  readonly text: string;
  readonly parameters: readonly unknown[];
}

/** Takes a parameter of a statement and gives the text that stands for it. */
export type P = (value: unknown) => string;

/** Collects parameters; an equal one is sent once. */
export class Parameters {
  readonly all: unknown[] = [];
  readonly #numbers = new Map<unknown, number>();

  readonly of = (value: unknown): string => {
    const known = this.#numbers.get(value);
    if (known !== undefined) return `?${known}`;
    this.#numbers.set(value, this.all.push(value));
    return `?${this.all.length}`;
  };
}
