import { z } from "zod";

import { condition, ID_TEXT } from "./fields.ts";
import { interceptorTypes } from "./interceptors.ts";
import type { Stage } from "./interceptors/interceptor.ts";

export type { Stage } from "./interceptors/interceptor.ts";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** What a child may set otherwise than its parent without a break. */
export interface Values {
  readonly enabled: boolean;
  readonly config: Json;
  /** True unless it says otherwise. */
  readonly abortOnFail?: boolean;
  readonly when?: string;
}

/** An interceptor as a user sends it. */
export interface EntryDraft extends Values {
  readonly id: string;
  readonly type: string;
}

/** An interceptor as it stands in a saved flow. An inherited one has the id of the parent's. */
export interface Entry extends EntryDraft {
  /** What the parent had when this was taken over; present exactly if it was inherited. */
  readonly base?: Values;
}

export type Lists<T = Entry> = Readonly<Record<Stage, readonly T[]>>;

export const MOST_ENTRIES = 50;

const values = {
  enabled: z.boolean().default(true).meta({ description: "false: it is passed by. Default true.", example: true }),
  config: z
    .record(z.string(), z.unknown())
    .default({})
    .meta({
      description: "Its settings, as its type has them. At most 64 KiB and 20 levels.",
      example: { calls: 100, interval: "minute" },
    }),
  abortOnFail: z.boolean().optional().meta({
    description:
      "What happens if it cannot do its work: true (the default): the call ends with 500; false: the call goes on.",
    example: true,
  }),
  when: condition("It works only if this holds.", "method = 'POST' and app.id != null").optional(),
};

const Base = z.strictObject(values).meta({
  id: "InterceptorValues",
  description: "What the parent had when the interceptor was inherited. Written by the flow repository.",
});

export const Entry = z
  .strictObject({
    id: ID_TEXT.meta({
      description: "Names the interceptor within the API. An inherited one has the id of the parent's.",
      example: "limit",
    }),
    type: z.enum(interceptorTypes).meta({ description: "What it does: one of the catalogue.", example: "rateLimit" }),
    ...values,
    base: Base.optional(),
  })
  .meta({
    id: "InterceptorEntry",
    description: "An interceptor in a flow.",
    example: { id: "limit", type: "rateLimit", config: { calls: 100, interval: "minute" } },
  });

export const entries = (description: string) =>
  z
    .array(Entry)
    .max(MOST_ENTRIES)
    .default([])
    .meta({ description: `${description} At most ${MOST_ENTRIES}.` });
