import { z } from "@hono/zod-openapi";

import { StoredFlow } from "../../apis/model.ts";
import { stages } from "../../apis/interceptors/interceptor.ts";
import { type BreakCause, breakCauses } from "../inheritance.ts";
import {
  configFields,
  DestinationView,
  enabled,
  entryFields,
  entryLevel,
  runs,
  scopeFields,
  stage,
  TimeoutView,
  warnings,
} from "./schemas.ts";

const Values = z.object({ enabled, ...configFields }).meta({
  id: "InterceptorValuesView",
  description: "What the parent has now, if that is not what it had when this was inherited.",
});

const EntryView = z
  .object({
    ...entryFields,
    enabled,
    ...configFields,
    origin: z.enum(["inherited", "overridden", "own"]).meta({
      description: "inherited: as it was taken over; overridden: inherited, with values of its own; own: of this flow.",
      example: "inherited",
    }),
    level: entryLevel,
    drift: Values.optional(),
    parentNow: z
      .string()
      .optional()
      .meta({ description: "The drift in words.", example: "The parent now has config.calls 20." }),
    orphaned: z.literal(true).optional().meta({
      description: "It was inherited, and the parent has it no longer. Restore drops it.",
      example: true,
    }),
  })
  .meta({ id: "InterceptorView", description: "An interceptor in the flow of a scope, and where it comes from." });

const Break = z
  .object({
    cause: z
      .enum(Object.keys(breakCauses) as [BreakCause, ...BreakCause[]])
      .meta({ description: "Why.", example: "own_before" }),
    message: z.string().meta({ description: "Why, for people.", example: breakCauses.own_before }),
    list: z.enum(stages).meta({ description: "On which list.", example: "request" }),
    entry: z.string().meta({ description: "Id of the interceptor where it begins.", example: "limit" }),
  })
  .meta({ id: "FlowBreak", description: "Why changes of the flow above do not reach this one." });

export const ScopeView = z
  .object({
    ...scopeFields,
    saved: z.boolean().meta({
      description: "Whether the scope has a flow of its own. If not, this is the one above, all of it inherited.",
      example: true,
    }),
    runs,
    broken: z.boolean().meta({ description: "Whether changes of the flow above do not reach it.", example: false }),
    breaks: z.array(Break).meta({ description: "Where and why it is broken: at most one for each list." }),
    request: z.array(EntryView).meta({ description: "Interceptors of the request; they run from left to right." }),
    response: z.array(EntryView).meta({ description: "Interceptors of the response; they run from right to left." }),
    destination: DestinationView.nullable().meta({ description: "Where calls go; null if no level says it." }),
    timeout: TimeoutView.nullable().meta({ description: "How long is waited; null if no level says it." }),
    own: StoredFlow.shape.destination.unwrap().nullable().meta({
      description: "What the scope itself says of the destination; null if nothing.",
    }),
  })
  .meta({ id: "ApiScope", description: "The flow of a scope, as it stands in the draft." });

const Passed = z
  .object({
    ...scopeFields,
    reached: z.boolean().meta({ description: "Whether the edit came to it.", example: true }),
    cause: z.enum(["broken", "broken_above"]).optional().meta({
      description: "Why it did not: the flow is broken, or one between them.",
      example: "broken",
    }),
  })
  .meta({ id: "ApiScopePassed", description: "A flow below the scope that was edited." });

export const ScopeMeta = z
  .object({
    changed: z.array(Passed).meta({
      description:
        "Flows below that the edit came to, or would have come to were they not broken. A scope without a flow of its own runs the one above anyway.",
    }),
    warnings,
  })
  .meta({ id: "ApiScopeMeta", description: "What an edit meant for others." });

const EffectiveEntry = z
  .object({ ...entryFields, ...configFields, level: entryLevel })
  .meta({ id: "EffectiveInterceptor", description: "An interceptor that will run." });

const turns = z
  .array(
    z
      .object({
        stage,
        ...entryFields,
        level: z
          .enum(["api", "resource", "operation", "plan"])
          .meta({ description: "The level that brought it in, or the plan.", example: "api" }),
      })
      .meta({ id: "InterceptorTurn", description: "An interceptor at its turn." }),
  )
  .meta({
    description: "In the order in which they run. Between request and response lies the call of the destination.",
  });

export const EffectiveScope = z
  .object({
    ...scopeFields,
    runs,
    request: z.array(EffectiveEntry).meta({ description: "Interceptors of the request; disabled ones are left out." }),
    response: z
      .array(EffectiveEntry)
      .meta({ description: "Interceptors of the response, as they stand: they run from right to left." }),
    destination: DestinationView.nullable().meta({ description: "Where calls go; null if no level says it." }),
    timeout: TimeoutView.nullable().meta({ description: "How long is waited; null if no level says it, then 30 s." }),
    execution: turns,
    plans: z
      .array(
        z
          .object({
            id: z.string().meta({ description: "Id of the plan.", example: "plan_gold" }),
            name: z.string().nullable().meta({ description: "Its name; null if it is not there.", example: "Gold" }),
            found: z.boolean().meta({
              description: "Whether there is such a plan, and it is the API's owners'.",
              example: true,
            }),
            execution: turns,
          })
          .meta({ id: "EffectivePlan", description: "What runs for apps of a plan." }),
      )
      .meta({ description: "What runs for apps of each plan of the API, once an interceptor has told the app." }),
  })
  .meta({ id: "EffectiveScope", description: "What will run for calls of a scope." });
