import { env } from "cloudflare:workers";

import { markOf, SEARCH_SEPARATOR, type Facet } from "../../src/flows/search-text.ts";

/** The first tenant has a fifth of all flows, the others share the rest evenly. */
export const TENANTS = 20;
export const ALL = 20_000;
export const BIG = ALL / 5;
export const BEGAN = Date.UTC(2025, 0, 1);
export const MINUTE = 60_000;
const TEMPLATES = 60;
const COMPONENTS = 50;

const hex = (kind: string, number: number): string => kind + number.toString(16).padStart(22, "0");
export const tenantId = (tenant: number): string => hex("5d", tenant);
export const userId = (tenant: number, user: number): string => hex("5c", tenant * 10 + user);
export const componentId = (number: number): string => hex("5a", number);
/** A quarter of a tenant's flows are instances, twenty of each template. */
export const templateId = (tenant: number, number: number): string => hex("5e", (tenant * 7 + number) % TEMPLATES);

/** Stands in the names of twelve flows, two of them of the first tenant. */
export const RARE = "zymurgy";
/** Stands in the names of a fifth of all flows. */
export const COMMON = "sync";

/** Numbers from 0 to 1 that are the same in each run (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const marks = new Map<string, string>();
function mark(facet: Facet, value: string): string {
  const known = marks.get(value) ?? markOf(facet, value);
  marks.set(value, known);
  return known;
}

function statusBy(drawn: number): string {
  if (drawn < 0.65) return "inactive";
  if (drawn < 0.98) return "active";
  return drawn < 0.99 ? "starting" : "stopping";
}

/** One flow: what differs from flow to flow. */
function traitsOf(n: number, nth: number, tenant: number, random: () => number) {
  const home = tenantId(tenant);
  const type = random() < 0.7 ? "ordinary" : "long_running";
  const template = nth % 4 === 3 ? templateId(tenant, Math.floor(nth / 80)) : null;
  const [first, last] = [0, 1].map(() => componentId(Math.floor(random() * COMPONENTS))) as [string, string];
  const rare = n % (ALL / 10) === 7 || n % (ALL / 2) === ALL / 4 ? ` ${RARE}` : "";
  const name = `${random() < 0.2 ? "Sync" : "Import"} ${Math.floor(random() * 1e6)} flow ${n}${rare}`;
  const told = [mark("home", home), mark("type", type), mark("componentId", first), mark("componentId", last)];
  if (template !== null) told.push(mark("fromTemplate", template));
  const search = [[...new Set(told)].join(""), name.toUpperCase(), ""].join(SEARCH_SEPARATOR);
  const createdAt = BEGAN + n * MINUTE;
  const updatedAt = createdAt + Math.floor(random() * ALL) * MINUTE;
  const user = userId(tenant, Math.floor(random() * 10));
  const status = statusBy(random());
  return [hex("6a", n), home, user, type, template, first, last, name, search, createdAt, updatedAt, status];
}

const INSERT = `INSERT INTO flows (pos, id, home, document, search_text, revision, revised_at, revision_note, created_at, updated_at, status, status_seq, tries)
  SELECT value ->> 9 << 10, value ->> 0, value ->> 1,
    json_object('name', value ->> 7, 'graph', json_object('nodes', json_array(
        json_object('id', 'step_1', 'componentId', value ->> 5), json_object('id', 'step_2', 'componentId', value ->> 6)),
      'edges', json_array(json_object('source', 'step_1', 'target', 'step_2'))), 'type', value ->> 3, 'fromTemplate', value ->> 4,
      'owners', json_array(json_object('id', value ->> 2, 'type', 'user'), json_object('id', value ->> 1, 'type', 'tenant'))),
    value ->> 8, 1, value ->> 9, 'Created.', value ->> 9, value ->> 10, value ->> 11, 0, 0
  FROM json_each(?)`;

/** Stores all flows of the landscape, through the triggers. */
export async function settleLandscape(): Promise<void> {
  const random = randomOf(1);
  const placed = Array<number>(TENANTS).fill(0);
  const all = Array.from({ length: ALL }, (_, n) => {
    const tenant = n % 5 === 0 ? 0 : 1 + (n % (TENANTS - 1));
    placed[tenant]! += 1;
    return traitsOf(n, placed[tenant]! - 1, tenant, random);
  });
  const portions = Array.from({ length: ALL / 1000 }, (_, n) => all.slice(n * 1000, (n + 1) * 1000));
  await env.DB.batch(portions.map((portion) => env.DB.prepare(INSERT).bind(JSON.stringify(portion))));
}
