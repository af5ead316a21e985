import { z } from "zod";

import { flowStatuses } from "../db/schema.ts";
import { Flow, ObjectId, type FlowStatus } from "./model.ts";

const statusWords = ["0", "1", ...flowStatuses] as const;
const sortWords = ["createdAt", "-createdAt", "updatedAt", "-updatedAt", "name", "-name"] as const;
const fieldNames = Object.keys(Flow.shape) as (keyof Flow)[];

const wordsIn = (text: string): string[] => text.split(",").map((word) => word.trim());

const listOf = (words: readonly string[]) =>
  z
    .string()
    .refine((text) => wordsIn(text).every((word) => words.includes(word)), {
      error: `Use ${words.join(", ")}; several with commas between them.`,
    })
    .optional();

const time = (description: string) =>
  z.iso
    .datetime({ offset: true, error: "Use a date and time such as 2026-11-22T00:00:00Z." })
    .optional()
    .meta({ description, example: "2026-11-22T00:00:00Z" });

const cursor = (description: string) =>
  z
    .string()
    .max(2000)
    .optional()
    .meta({
      description: `${description} Take it from \`links\`; it holds for the same sort and filters.`,
      example: "WzE4Mzg0MjQ0NzIzOTk4NzIsMTgzODQyNDQ3MjM5OTg3Ml0.TBVb0cUZ1YvuyQhZjqqWEg",
    });

const parameters = {
  "page[size]": z
    .string()
    .regex(/^(?:[1-9]\d{0,2}|1000)$/, "Use a whole number from 1 to 1000.")
    .default("10")
    .meta({ description: "Flows per page: a whole number from 1 to 1000.", example: "10" }),
  "page[number]": z
    .string()
    .regex(/^[1-9]\d{0,8}$/, "Use a whole number from 1.")
    .optional()
    .meta({
      description: "Which page; the first is 1. Far pages are slow to reach this way: follow `links` instead.",
      example: "1",
    }),
  "page[after]": cursor("Begin behind this place."),
  "page[before]": cursor("End before this place."),
  "filter[status]": listOf(statusWords).meta({
    description: "Only flows of this status, or of these; 1 stands for active, 0 for inactive.",
    example: "active,starting",
  }),
  "filter[type]": z.string().optional().meta({ description: "Only flows of exactly this type.", example: "ordinary" }),
  "filter[user]": z.string().optional().meta({
    description: "Only flows that also have this owner. It narrows what you may see and never widens it.",
    example: "5c0000000000000000000002",
  }),
  "filter[fromTemplate]": ObjectId.optional().meta({
    description: "Only flows made from this template.",
    example: "5ca5c44c187c040010a9bb8d",
  }),
  "filter[componentId]": z.string().max(200).optional().meta({
    description: "Only flows with a node that uses this component.",
    example: "5ca5c44c187c040010a9bb8b",
  }),
  "filter[credentials_id]": z.string().max(200).optional().meta({
    description: "Only flows with a node that uses this secret.",
    example: "5ca5c44c187c040010a9bb8c",
  }),
  "filter[createdFrom]": time("Only flows stored at this time or later."),
  "filter[createdTo]": time("Only flows stored before this time."),
  "filter[updatedFrom]": time("Only flows changed last at this time or later."),
  "filter[updatedTo]": time("Only flows changed last before this time."),
  fields: listOf(fieldNames).meta({
    description:
      "Only these keys of each flow, and always the id. Without graph and the like the documents are not read at all.",
    example: "name,status",
  }),
  sort: z
    .enum([...sortWords, ""], { error: `Use one of ${sortWords.join(", ")}.` })
    .default("createdAt")
    .meta({
      description:
        "Order; - turns it round. Equal ones stand in the order in which they were stored; of names the first 200 characters count.",
      example: "-updatedAt",
    }),
  search: z.string().max(1000).optional().meta({
    description:
      "Only flows with this text in name or description, whatever the case, in any script. Of very long texts the first 100,000 characters count.",
    example: "invoice",
  }),
};

/** Parameters of a list. Others are ignored, but not forms of these that would carry more than a plain value. */
export const FlowQuery = z.looseObject(parameters).superRefine((query, check) => {
  const refuse = (name: string, message: string) => check.addIssue({ code: "custom", path: [name], message });
  for (const sent of Object.keys(query)) {
    const meant = Object.keys(parameters).find((name) => sent.startsWith(`${name}[`));
    if (meant !== undefined) refuse(meant, "Send one plain value.");
  }
  const places = (["page[number]", "page[after]", "page[before]"] as const).filter((name) => query[name] !== undefined);
  if (places.length > 1) refuse(places[1]!, `Send either ${places.join(" or ")}.`);
});
export type FlowQuery = z.infer<typeof FlowQuery>;

/** The parameters that say which flows are meant and in which order. */
export const selectingParameters = Object.keys(parameters).filter(
  (name) => name === "sort" || name === "search" || name.startsWith("filter["),
) as (keyof typeof parameters)[];

export const statusesIn = (text: string | undefined): FlowStatus[] => {
  const asked = text === undefined ? flowStatuses : wordsIn(text).map(statusOf);
  return flowStatuses.filter((status) => asked.includes(status));
};

function statusOf(word: string): FlowStatus {
  if (word === "1") return "active";
  return word === "0" ? "inactive" : (word as FlowStatus);
}

/** The keys that are asked for; undefined asks for all. */
export const fieldsIn = (text: string | undefined): ReadonlySet<keyof Flow> | undefined =>
  text === undefined ? undefined : new Set(["id", ...(wordsIn(text) as (keyof Flow)[])]);
