import { z } from "zod";

import { Plan } from "../apis/model.ts";
import { owners, ownersOfInput } from "./owners.ts";

export const PlanInput = Plan.extend({ owners: ownersOfInput }).meta({
  id: "PlanInput",
  description: "A plan as a client writes it. Variables that it names are those of the API that is called.",
  example: { name: "Gold", request: [], response: [] },
});

/** The owners of a plan, in the plan that was sent. */
export const PlanOwners = z.object({ owners: ownersOfInput });

const time = (description: string) => z.iso.datetime().meta({ description, example: "2026-11-22T02:56:36.545Z" });

const { name, description } = Plan.shape;

export const PlanSummary = z
  .object({
    id: z
      .string()
      .meta({ description: "What apps and APIs name among their plans.", example: "plan_5ca5c44c187c040010a9bb8d" }),
    name,
    description,
    owners: owners.meta({ description: "Who may see and change it, and give it to apps." }),
    createdAt: time("When it was stored."),
    updatedAt: time("When it changed last."),
  })
  .meta({ id: "PlanSummary", description: "A plan in a list: without its interceptors." });
export type PlanSummary = z.infer<typeof PlanSummary>;

export const StoredPlan = PlanSummary.extend({ request: Plan.shape.request, response: Plan.shape.response }).meta({
  id: "StoredPlan",
  description: "A plan as it is kept.",
});
export type StoredPlan = z.infer<typeof StoredPlan>;
