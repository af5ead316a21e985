import { z } from "@hono/zod-openapi";

import { headerParameter } from "../../platform/http.ts";
import { objectIdPattern } from "../../platform/ids.ts";
import { AppSummary, AppWithSecret, StoredApp } from "../model.ts";
import { PlanSummary, StoredPlan } from "../plan-model.ts";

export const ifMatchOf = (noun: "app" | "plan") =>
  headerParameter(
    "if-match",
    '"1795316196545"',
    `Change only the ${noun} that has this ETag; any other is refused with 412. Without it the last writer wins.`,
  );

export const ifNoneMatchOf = (noun: "app" | "plan") =>
  headerParameter(
    "if-none-match",
    '"1795316196545"',
    `ETag that you have already; 304 without a body if it is still the ${noun}'s.`,
  );

export const AppParams = z.object({
  id: z
    .string()
    .regex(objectIdPattern)
    .openapi({
      param: { name: "id", in: "path" },
      description: "Id of the app: 24 hexadecimal digits. It is not the client id.",
      example: "5ca5c44c187c040010a9bb8c",
    }),
});

/** Its form is judged by the verb: the router's words for an id that is none are those of 24 digits. */
export const PlanParams = z.object({
  id: z.string().openapi({
    param: { name: "id", in: "path" },
    description: "Id of the plan: plan_ and 24 hexadecimal digits.",
    example: "plan_5ca5c44c187c040010a9bb8d",
  }),
});

export const pageQuery = (nouns: "apps" | "plans", after: RegExp, example: string) =>
  z.object({
    "page[size]": z
      .string()
      .regex(/^(?:[1-9]\d{0,2}|1000)$/, "Use a whole number from 1 to 1000.")
      .default("100")
      .meta({ description: `How many ${nouns} a page has: a whole number from 1 to 1000.`, example: "100" }),
    "page[after]": z
      .string()
      .regex(after, "Use an id of the list, or follow `links`.")
      .optional()
      .meta({ description: "Begin behind the one of this id.", example }),
  });

const Empty = z.object({}).meta({ description: "Always empty here." });

const pageOf = <T extends z.ZodType>(entry: T, nouns: "apps" | "plans", example: string) =>
  z.object({
    data: z.array(entry).meta({ description: `The ${nouns} of this page, the oldest first.` }),
    meta: z
      .object({ perPage: z.int().meta({ description: "Entries per page.", example: 100 }) })
      .meta({ description: "Where this page stands." }),
    links: z
      .object({
        next: z
          .string()
          .nullable()
          .meta({
            description: "Address of the page behind this one; null if there is none.",
            example: `/${nouns}?page%5Bsize%5D=100&page%5Bafter%5D=${example}`,
          }),
      })
      .meta({ description: "Leads from page to page at the same cost however deep." }),
  });

export const AppAnswer = z.object({ data: StoredApp, meta: Empty }).meta({ id: "AppAnswer", description: "One app." });
export const AppSecretAnswer = z
  .object({ data: AppWithSecret, meta: Empty })
  .meta({ id: "AppSecretAnswer", description: "One app, and once its secret." });
export const AppListAnswer = pageOf(AppSummary, "apps", "5ca5c44c187c040010a9bb8c").meta({
  id: "AppListAnswer",
  description: "A page of apps.",
});

export const PlanAnswer = z
  .object({ data: StoredPlan, meta: Empty })
  .meta({ id: "PlanAnswer", description: "One plan." });
export const PlanListAnswer = pageOf(PlanSummary, "plans", "plan_5ca5c44c187c040010a9bb8d").meta({
  id: "PlanListAnswer",
  description: "A page of plans.",
});

const Warning = z
  .object({
    message: z.string().meta({
      description: "What it is, for people.",
      example: "10.0.0.1 is a private address. Calls of private addresses are refused here.",
    }),
    code: z.int().meta({ description: "As it stands in errors of plans.", example: 422 }),
    error: z.string().meta({ description: "Stable name, for programs.", example: "ADDRESS_PRIVATE" }),
    pointer: z
      .string()
      .meta({ description: "JSON pointer (RFC 6901) to the place in the plan.", example: "/request/0/config/url" }),
  })
  .meta({ id: "PlanWarning", description: "Something that the plan was stored with all the same." });

export const WrittenPlanAnswer = z
  .object({
    data: StoredPlan,
    meta: z
      .object({ warnings: z.array(Warning).meta({ description: "What may be wrong; empty if nothing is." }) })
      .meta({ description: "What was found." }),
  })
  .meta({ id: "WrittenPlanAnswer", description: "A plan as it was stored." });

export const deleted = (noun: "App" | "Plan") =>
  z
    .object({
      msg: z.string().meta({ description: "What was done.", example: `${noun} was successfully deleted` }),
    })
    .meta({ id: `${noun}DeletedAnswer`, description: "Confirms a deletion." });
