import { columnsOf, inStorage } from "../db/client.ts";
import { flows } from "../db/schema.ts";
import type { Context } from "../identity/context.ts";
import { reachOf, type Reach } from "../identity/ownership.ts";
import { AppError } from "../platform/errors.ts";
import type { Answer } from "../platform/http.ts";
import { toObjectId } from "../platform/ids.ts";
import { flowText, stateKeys, stateOf } from "./answer.ts";
import { cursorOf, placeOf } from "./cursor.ts";
import { pagePlan, totalPlan } from "./list-plan.ts";
import type { Order, Place, Portion, Selection } from "./list-selection.ts";
import { tellInstances } from "./instance.ts";
import { fieldsIn, selectingParameters, statusesIn, type FlowQuery } from "./list-query.ts";
import { MOST_ANSWERED } from "./many.ts";
import type { Flow } from "./model.ts";
import { foldTerm, typeOf } from "./search-text.ts";
import { documentOf, flowColumns, type FlowRow } from "./store.ts";

/** Pages of so few flows fit into an answer, however large they are. */
const FEW = MOST_ANSWERED / (1024 * 1024);

const lightColumns = [
  columnsOf(flows, "flows", ["document", "searchText"]),
  // JSON, from the column where that tells it all.
  `CASE WHEN length(flows.name) BETWEEN 1 AND 199 THEN json_quote(flows.name) ELSE flows.document -> '$.name' END AS "toldName"`,
  `CASE WHEN length(flows.type) BETWEEN 1 AND 199 THEN json_quote(flows.type) ELSE flows.document -> '$.type' END AS "toldType"`,
  `CASE WHEN flows.from_template <> '' THEN json_quote(flows.from_template) ELSE flows.document -> '$.fromTemplate' END AS "toldTemplate"`,
].join(", ");

interface Light {
  readonly toldName: string | null;
  readonly toldType: string | null;
  readonly toldTemplate: string | null;
}

/** Keys of a flow that are told without its document. */
const light = new Set<keyof Flow>(["name", "type", "fromTemplate", ...stateKeys]);

/** One page of the flows that the actor owns, as text. */
export async function listFlows(ctx: Context, query: FlowQuery): Promise<Answer> {
  const perPage = Number(query["page[size]"]);
  const reach = reachOf(ctx.actor);
  const selection = selectionOf(query, reach);
  const order = orderOf(query.sort);
  const secret = ctx.config.CURSOR_SECRET;
  const list = JSON.stringify([reach, selectingParameters.map((name) => query[name] ?? null)]);

  const cursor = query["page[after]"] ?? query["page[before]"];
  const backwards = query["page[before]"] !== undefined;
  const page = cursor === undefined ? Number(query["page[number]"] ?? 1) : undefined;
  const behind = cursor === undefined ? undefined : await placeOf(secret, list, cursor);
  if (cursor !== undefined && behind === undefined) throw foreignCursor(backwards);
  const walk = { ...order, descending: order.descending !== backwards };
  // By number the total tells whether there is another page, by cursor one flow more.
  const portion =
    page === undefined ? { most: perPage + 1, offset: 0, behind } : { most: perPage, offset: (page - 1) * perPage };

  const fields = fieldsIn(query.fields);
  const withDocuments = fields === undefined || [...fields].some((field) => !light.has(field));
  const { total, rows: found } = await read(ctx, selection, walk, portion, withDocuments ? perPage : undefined);
  const more = page === undefined ? found.length > perPage : page * perPage < total;
  const walked = found.slice(0, perPage);
  const rows = backwards ? walked.toReversed() : walked;

  const link = async (name: "page[after]" | "page[before]", place: Place | undefined) =>
    place === undefined ? null : linkTo(query, name, await cursorOf(secret, list, place));
  // Behind the last flow nothing is left to turn back from but the place itself.
  const dead = rows.length === 0 && behind !== undefined ? nextTo(behind, walk) : undefined;
  const [first, last] = [rows[0], rows.at(-1)].map((row) => row && { key: keyOf(row, order), pos: row.pos });
  const [next, prev] = await Promise.all([
    link("page[after]", backwards ? (last ?? dead) : more ? last : undefined),
    link("page[before]", backwards ? (more ? first : undefined) : page === 1 ? undefined : (first ?? dead)),
  ]);
  const meta = { total, ...(page === undefined ? {} : { page }), perPage, totalPages: Math.ceil(total / perPage) };
  const data = rows.map((row) => (fields === undefined ? flowText(row) : projected(row, fields, withDocuments)));
  return {
    status: 200,
    body: `{"data":[${data.join(",")}],"meta":${JSON.stringify(meta)},"links":${JSON.stringify({ next, prev })}}`,
  };
}

/** The page and the total; documents only of as many flows as told. */
async function read(ctx: Context, selection: Selection, order: Order, portion: Portion, documents: number | undefined) {
  const weighed = documents !== undefined && documents > FEW ? { flows: documents, bytes: MOST_ANSWERED } : undefined;
  const columns = documents === undefined ? lightColumns : flowColumns;
  const plans = [totalPlan(selection), pagePlan(selection, order, portion, columns, weighed)];
  const statements = plans.map(({ text, parameters }) => ctx.db.sql(text, ...parameters));
  const [counted, found] = await inStorage(() => ctx.db.batch(statements));
  const rows = found!.results as FlowRow[];
  if (weighed !== undefined && rows.some((row) => row.document === null)) throw tooHeavy();
  const told = documents === undefined ? rows : await tellInstances(ctx.db, rows);
  return { total: (counted!.results[0] as { total: number }).total, rows: told };
}

const tooHeavy = (): AppError => {
  const parameter = "page[size]";
  const detail = "The flows of this page are too large to be answered together. Ask for a smaller page, or for fields.";
  return new AppError("INVALID_PARAMETER", { message: `Invalid ${parameter} parameter`, parameter, detail });
};

const foreignCursor = (backwards: boolean): AppError => {
  const parameter = backwards ? "page[before]" : "page[after]";
  const detail = "Take it from the links of a page with the same sort and filters, or begin at the first page.";
  return new AppError("INVALID_PARAMETER", { message: `Invalid ${parameter} parameter`, parameter, detail });
};

function selectionOf(query: FlowQuery, reach: Reach): Selection {
  const user = query["filter[user]"];
  const within =
    user === undefined || (reach !== null && !(reach as readonly string[]).includes(user)) ? reach : ([user] as const);
  const template = query["filter[fromTemplate]"];
  const secret = query["filter[credentials_id]"];
  const facets = [
    ["type", query["filter[type]"] === undefined ? undefined : typeOf(query["filter[type]"])],
    ["fromTemplate", template && (toObjectId(template) ?? template)],
    ["componentId", query["filter[componentId]"]],
    ["credentials_id", secret && (toObjectId(secret) ?? secret)],
  ] as const;
  const time = (name: "createdFrom" | "createdTo" | "updatedFrom" | "updatedTo") => {
    const text = query[`filter[${name}]`];
    // Times are kept in milliseconds; a part of one belongs to the next.
    return text === undefined ? undefined : Date.parse(text) + (/\.\d{3}\d*[1-9]/.test(text) ? 1 : 0);
  };
  return {
    reach: within,
    alsoOwnedBy: within === reach ? user : undefined,
    statuses: statusesIn(query["filter[status]"]),
    facets: facets.flatMap(([facet, value]) => (value === undefined ? [] : [[facet, value] as const])),
    term: foldTerm(query.search ?? "") || undefined,
    created: { from: time("createdFrom"), to: time("createdTo") },
    updated: { from: time("updatedFrom"), to: time("updatedTo") },
  };
}

function orderOf(sort: FlowQuery["sort"]): Order {
  const by = { createdAt: "created", updatedAt: "updated", name: "name" }[sort.replace("-", "")] ?? "created";
  return { by: by as Order["by"], descending: sort.startsWith("-") };
}

const keyOf = (row: FlowRow, { by }: Order): string | number =>
  by === "name" ? row.name : by === "updated" ? row.updatedAt : row.pos;

/** Beside a place, so that what stands on it is seen from there. */
const nextTo = ({ key, pos }: Place, { descending }: Order): Place => ({ key, pos: pos + (descending ? -1 : 1) });

function linkTo(query: FlowQuery, name: string, cursor: string): string {
  const kept = ["page[size]", "fields", ...selectingParameters] as const;
  const parameters = kept.flatMap((key) => {
    const value = query[key as keyof FlowQuery];
    return typeof value === "string" ? [[key, value]] : [];
  });
  return `/flows?${new URLSearchParams([...parameters, [name, cursor]]).toString()}`;
}

function projected(row: FlowRow & Partial<Light>, fields: ReadonlySet<keyof Flow>, withDocument: boolean): string {
  const told = { name: row.toldName, type: row.toldType, fromTemplate: row.toldTemplate };
  const document = withDocument
    ? documentOf(row)
    : Object.fromEntries(
        Object.entries(told).flatMap(([key, json]) => (json ? [[key, JSON.parse(json) as unknown]] : [])),
      );
  const whole = Object.entries({ ...document, ...stateOf(row) });
  return JSON.stringify(Object.fromEntries(whole.filter(([key]) => fields.has(key as keyof Flow))));
}
