import { z } from "zod";

import { inStorage } from "../db/client.ts";
import { MOST_ANSWERED } from "../flows/many.ts";
import { foldTerm } from "../flows/search-text.ts";
import { can } from "../identity/actor.ts";
import type { Context } from "../identity/context.ts";
import { reachOf, reachParameters } from "../identity/ownership.ts";
import { AppError } from "../platform/errors.ts";
import type { Answer } from "../platform/http.ts";
import { readableIds, templateColumns, templateText, type TemplateRow } from "./store.ts";

const sorts = {
  id: "id ASC",
  "-id": "id DESC",
  createdAt: "created_at ASC, id ASC",
  "-createdAt": "created_at DESC, id DESC",
  updatedAt: "updated_at ASC, id ASC",
  "-updatedAt": "updated_at DESC, id DESC",
  name: "name ASC, id ASC",
  "-name": "name DESC, id DESC",
} as const;
const sortWords = Object.keys(sorts) as (keyof typeof sorts)[];

export const TemplateQuery = z.object({
  "page[size]": z
    .string()
    .regex(/^(?:[1-9]\d?|100)$/, "Use a whole number from 1 to 100.")
    .default("10")
    .meta({ description: "Templates per page: a whole number from 1 to 100.", example: "10" }),
  "page[number]": z
    .string()
    .regex(/^[1-9]\d{0,8}$/, "Use a whole number from 1.")
    .default("1")
    .meta({ description: "Which page; the first is 1.", example: "1" }),
  "filter[status]": z
    .enum(["0", "1", "draft", "published"], { error: "Use draft, published, 0 or 1." })
    .optional()
    .meta({ description: "Only templates of this status; 1 stands for published, 0 for draft.", example: "published" }),
  "filter[user]": z.string().max(200).optional().meta({
    description: "For admins: only templates that this owner may read.",
    example: "5c0000000000000000000002",
  }),
  sort: z
    .enum(["", ...sortWords], { error: `Use one of ${sortWords.join(", ")}.` })
    .default("id")
    .meta({ description: "Order; - turns it round.", example: "-updatedAt" }),
  search: z
    .string()
    .max(1000)
    .optional()
    .meta({ description: "Only templates with this text in name or description, whatever the case.", example: "crm" }),
});
export type TemplateQuery = z.infer<typeof TemplateQuery>;

/** Only for admins the table is gone through: anybody else's list grows with what they may read. */
const sources = {
  all: "FROM templates",
  readable: `FROM ${readableIds(1)} AS readable CROSS JOIN templates ON templates.id = readable.template_id`,
} as const;
type Source = keyof typeof sources;

const SELECTED = "WHERE (?3 IS NULL OR templates.status = ?3) AND (?4 IS NULL OR instr(templates.search_text, ?4) > 0)";
const TOTAL_READABLE = `SELECT count(*) AS total FROM ${readableIds(1)}`;
const totalOf = (source: Source): string => `SELECT count(*) AS total ${sources[source]} ${SELECTED}`;
const pageOf = (source: Source, order: string): string =>
  `WITH page AS MATERIALIZED (SELECT templates.id AS id, octet_length(templates.document) AS bytes ${sources[source]} ${SELECTED} ORDER BY ${order} LIMIT ?5 OFFSET ?6)
  SELECT ${templateColumns.replace("templates.document", "CASE WHEN (SELECT sum(bytes) FROM page) <= ?7 THEN templates.document END AS document")}
  FROM page CROSS JOIN templates ON templates.id = page.id ORDER BY ${order.replaceAll(/\b(id|created_at|updated_at|name)\b/g, "templates.$1")}`;

/** One page of the templates that the actor may read. */
export async function listTemplates(ctx: Context, query: TemplateQuery): Promise<Answer> {
  const user = query["filter[user]"];
  if (user !== undefined && !can(ctx.actor, "all")) {
    throw new AppError("MISSING_PERMISSION", { message: "Filtering by user is only available to admins" });
  }
  const [perPage, number] = [Number(query["page[size]"]), Number(query["page[number]"])];
  const order = sorts[query.sort || "id"];
  const term = foldTerm(query.search ?? "") || null;
  const reach = user === undefined ? reachOf(ctx.actor) : ([user] as const);
  const source = reach === null ? "all" : "readable";
  const owners = reachParameters(reach);
  const selection = [...owners, statusIn(query["filter[status]"]), term];
  const isWhole = reach !== null && selection.slice(2).every((filter) => filter === null);
  const statements = [
    isWhole ? ctx.db.sql(TOTAL_READABLE, ...owners) : ctx.db.sql(totalOf(source), ...selection),
    ctx.db.sql(pageOf(source, order), ...selection, perPage, (number - 1) * perPage, MOST_ANSWERED),
  ];
  const [counted, found] = await inStorage(() => ctx.db.batch(statements));
  const rows = found!.results as TemplateRow[];
  if (rows.some((row) => row.document === null)) throw tooHeavy();
  const { total } = counted!.results[0] as { total: number };
  const meta = { total, page: number, perPage, totalPages: Math.ceil(total / perPage) };
  return { status: 200, body: `{"data":[${rows.map(templateText).join(",")}],"meta":${JSON.stringify(meta)}}` };
}

function statusIn(asked: TemplateQuery["filter[status]"]): string | null {
  if (asked === undefined) return null;
  if (asked === "1") return "published";
  return asked === "0" ? "draft" : asked;
}

function tooHeavy(): AppError {
  const parameter = "page[size]";
  const detail = "The templates of this page are too large to be answered together. Ask for a smaller page.";
  return new AppError("INVALID_PARAMETER", { message: `Invalid ${parameter} parameter`, parameter, detail });
}
