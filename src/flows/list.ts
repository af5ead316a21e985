import { and, asc, desc, eq, inArray, sql, type SQL } from "drizzle-orm";
import { z } from "zod";

import { inStorage } from "../db/client.ts";
import { flowOwners, flows, flowStatuses } from "../db/schema.ts";
import type { Context } from "../identity/context.ts";
import { reachOf, type Reach } from "../identity/ownership.ts";
import { AppError } from "../platform/errors.ts";
import { toObjectId } from "../platform/ids.ts";
import { MOST_ANSWERED } from "./many.ts";
import { foldForSearch, SEARCH_SEPARATOR } from "./search-text.ts";
import { ObjectId, type Flow } from "./model.ts";
import { flowOf } from "./store.ts";

const statusWords = ["0", "1", ...flowStatuses] as const;
const sortWords = ["createdAt", "-createdAt", "updatedAt", "-updatedAt", "name", "-name"] as const;

const parameters = {
  "page[size]": z
    .string()
    .regex(/^(?:[1-9]\d{0,2}|1000)$/, "Use a whole number from 1 to 1000.")
    .default("10")
    .meta({ description: "Flows per page: a whole number from 1 to 1000.", example: "10" }),
  "page[number]": z
    .string()
    .regex(/^[1-9]\d{0,8}$/, "Use a whole number from 1.")
    .default("1")
    .meta({ description: "Which page; the first is 1.", example: "1" }),
  "filter[status]": z
    .enum(statusWords, { error: `Use one of ${statusWords.join(", ")}.` })
    .optional()
    .meta({ description: "Only flows of this status; 1 stands for active, 0 for inactive.", example: "active" }),
  "filter[type]": z.string().optional().meta({ description: "Only flows of exactly this type.", example: "ordinary" }),
  "filter[user]": z.string().optional().meta({
    description: "Only flows that also have this owner. It narrows what you may see and never widens it.",
    example: "5c0000000000000000000002",
  }),
  "filter[fromTemplate]": ObjectId.optional().meta({
    description: "Only flows made from this template.",
    example: "5ca5c44c187c040010a9bb8d",
  }),
  sort: z
    .enum([...sortWords, ""], { error: `Use one of ${sortWords.join(", ")}.` })
    .default("createdAt")
    .meta({ description: "Order; - turns it round. Equal ones are ordered by id.", example: "-updatedAt" }),
  search: z.string().max(1000).optional().meta({
    description:
      "Only flows with this text in name or description, whatever the case, in any script. Of very long texts the first 100,000 characters count.",
    example: "invoice",
  }),
};

/** Parameters of a list. Others are ignored, but not forms of these that would carry more than a plain value. */
export const FlowQuery = z.looseObject(parameters).superRefine((query, check) => {
  for (const sent of Object.keys(query)) {
    const meant = Object.keys(parameters).find((name) => sent.startsWith(`${name}[`));
    if (meant !== undefined) check.addIssue({ code: "custom", path: [meant], message: "Send one plain value." });
  }
});
export type FlowQuery = z.infer<typeof FlowQuery>;

export interface FlowPage {
  readonly data: Flow[];
  readonly meta: { total: number; page: number; perPage: number; totalPages: number };
}

/** One page of the flows that the actor owns. */
export async function listFlows(ctx: Context, query: FlowQuery): Promise<FlowPage> {
  const perPage = Number(query["page[size]"]);
  const page = Number(query["page[number]"]);
  const matching = conditionOf(query, reachOf(ctx.actor));
  const order = orderOf(query.sort);
  // Ids first: sorting must not carry the documents along.
  const ids = ctx.db
    .select({ id: flows.id })
    .from(flows)
    .where(matching)
    .orderBy(...order)
    .limit(perPage)
    .offset((page - 1) * perPage);
  const bytes = sql<number>`coalesce(sum(octet_length(document)), 0)`.as("bytes");
  const weight = ctx.db.select({ bytes }).from(flows).where(inArray(flows.id, ids));
  const total = sql<number>`count(*)`.as("total");
  const [[counted], [weighed], found] = await inStorage(() =>
    ctx.db.batch([
      ctx.db.select({ total }).from(flows).where(matching),
      weight,
      ctx.db
        .select()
        .from(flows)
        .where(and(inArray(flows.id, ids), sql`${weight} <= ${MOST_ANSWERED}`))
        .orderBy(...order),
    ]),
  );
  if ((weighed?.bytes ?? 0) > MOST_ANSWERED) throw tooHeavy();
  const all = counted?.total ?? 0;
  return { data: found.map(flowOf), meta: { total: all, page, perPage, totalPages: Math.ceil(all / perPage) } };
}

const tooHeavy = (): AppError => {
  const parameter = "page[size]";
  const detail = "The flows of this page are too large to be answered together. Ask for a smaller page.";
  return new AppError("INVALID_PARAMETER", { message: `Invalid ${parameter} parameter`, parameter, detail });
};

function conditionOf(query: FlowQuery, reach: Reach): SQL | undefined {
  const status = query["filter[status]"];
  const template = query["filter[fromTemplate]"];
  const term = query.search?.trim();
  return and(
    reach === null ? undefined : ownedBy(reach),
    query["filter[user]"] === undefined ? undefined : ownedBy([query["filter[user]"]]),
    status === undefined ? undefined : eq(flows.status, statusOf(status)),
    query["filter[type]"] === undefined ? undefined : eq(flows.type, query["filter[type]"]),
    template === undefined ? undefined : eq(flows.fromTemplate, toObjectId(template) ?? template),
    term ? contains(term) : undefined,
  );
}

/** A term across the border between name and description is in neither. */
const contains = (term: string): SQL =>
  term.includes(SEARCH_SEPARATOR) ? sql`0` : sql`instr(${flows.searchText}, ${foldForSearch(term)}) > 0`;

const ownedBy = (owners: readonly string[]): SQL =>
  sql`${flows.id} IN (SELECT ${flowOwners.flowId} FROM ${flowOwners} WHERE ${inArray(flowOwners.ownerId, [...owners])})`;

function statusOf(word: (typeof statusWords)[number]) {
  if (word === "1") return "active";
  return word === "0" ? "inactive" : word;
}

function orderOf(sort: FlowQuery["sort"]): SQL[] {
  const direction = sort.startsWith("-") ? desc : asc;
  const key = sort.replace("-", "");
  const column = { createdAt: flows.createdAt, updatedAt: flows.updatedAt, name: flows.name }[key] ?? flows.createdAt;
  return [direction(column), direction(flows.id)];
}
