/**
 * The flows of the bench. Everything follows from the number of the flow, so that a caller knows what there is without
 * reading it: of 1,000 tenants the first has a tenth of all flows, the others share the rest evenly.
 */
export const TENANTS = 1000;
const USERS = 10;
const COMPONENTS = 500;
const TEMPLATES = 5000;
/** A quarter of a tenant's flows are instances, 10 of each template. */
const INSTANCE_EVERY = 4;
const INSTANCES = 10;
const SPAN_MS = 2 * 365 * 86_400_000;
const LAST_MS = Date.UTC(2026, 9, 1);
const LATER_MS = Date.UTC(2040, 0, 1);

/** Stands in the names of ten flows, five of them in the big tenant. */
export const RARE = "zymurgy";
/** Stands in the names of a fifth of the flows. */
export const COMMON = "invoices";

const verbs = ["Sync", "Import", "Export", "Mirror", "Forward", "Collect", "Archive"];
const things = ["invoices", "orders", "contacts", "products", "tickets"];
const systems = [
  "Snazzy Contacts",
  "Wice CRM",
  "Magento",
  "Odoo",
  "SugarCRM",
  "Google Calendar",
  "Slack",
  "SAP",
  "Shopify",
];

export type Random = () => number;

/** Numbers from 0 to 1 that are the same in each run (mulberry32). */
export function randomOf(seed: number): Random {
  let state = Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, "0");
const pick = <T>(list: readonly T[], random: Random): T => list[Math.floor(random() * list.length)]!;
const objectId = (kind: string, number: number): string => kind + hex(number, 24 - kind.length);

export const tenantId = (tenant: number): string => objectId("5d", tenant);
export const userId = (tenant: number, user: number): string => objectId("5c", tenant * USERS + user);
export const templateId = (tenant: number, number: number): string =>
  objectId("5e", (tenant * 131 + number) % TEMPLATES);
export const componentId = (number: number): string => objectId("5a", number);

/** Flow number `index` is the `nth` of its tenant. */
export function placeOf(index: number): { tenant: number; nth: number } {
  if (index % 10 === 0) return { tenant: 0, nth: index / 10 };
  const other = index - Math.floor(index / 10) - 1;
  return { tenant: 1 + (other % (TENANTS - 1)), nth: Math.floor(other / (TENANTS - 1)) };
}

/** The number of the `nth` flow of a tenant, the reverse of `placeOf`. */
export function indexOf(tenant: number, nth: number): number {
  if (tenant === 0) return nth * 10;
  const other = nth * (TENANTS - 1) + tenant - 1;
  return other + Math.floor(other / 9) + 1;
}

export type Status = "inactive" | "starting" | "active" | "stopping";

export interface Flow {
  readonly id: string;
  readonly tenant: number;
  readonly user: number;
  readonly document: Record<string, unknown>;
  readonly status: Status;
  readonly statusSeq: number;
  readonly startId: string | null;
  readonly startedBy: string | null;
  readonly startedAt: number | null;
  readonly deadlineAt: number | null;
  readonly tries: number;
  readonly createdAt: number;
  readonly updatedAt: number;
}

function statusOf(random: Random): Status {
  const drawn = random();
  if (drawn < 0.65) return "inactive";
  if (drawn < 0.98) return "active";
  return drawn < 0.99 ? "starting" : "stopping";
}

const isRare = (index: number, size: number): boolean => {
  const step = 10 * Math.floor(size / 60);
  const nth = Math.floor(index / step);
  return nth >= 1 && nth <= 5 && index % step < 2;
};

export function flowAt(index: number, size: number): Flow {
  const random = randomOf(index + 1);
  const { tenant, nth } = placeOf(index);
  const user = Math.floor(random() * USERS);
  const createdAt = Math.floor(LAST_MS - SPAN_MS + (SPAN_MS / size) * index);
  const updatedAt = createdAt + Math.floor(random() * (LAST_MS + 86_400_000 - createdAt));
  const id = hex(Math.floor(createdAt / 1000), 8) + hex(Math.floor(random() * 2 ** 32), 8) + hex(index, 8);
  const status = statusOf(random);
  const seq = { inactive: 0, starting: 1, active: 2, stopping: 3 }[status];
  const started = seq > 0;
  const waits = status === "starting" || status === "stopping";
  const fromTemplate =
    nth % INSTANCE_EVERY === INSTANCE_EVERY - 1
      ? { fromTemplate: templateId(tenant, Math.floor(nth / (INSTANCE_EVERY * INSTANCES))) }
      : {};
  return {
    id,
    tenant,
    user,
    document: {
      ...body(index, random, tenant, isRare(index, size) ? ` ${RARE}` : ""),
      owners: [
        { id: userId(tenant, user), type: "user" },
        { id: tenantId(tenant), type: "tenant" },
      ],
      ...fromTemplate,
    },
    status,
    statusSeq: seq,
    startId: started ? `00000000-0000-4000-8000-${hex(index, 12)}` : null,
    startedBy: started ? userId(tenant, user) : null,
    startedAt: started ? updatedAt : null,
    deadlineAt: waits ? LATER_MS : null,
    tries: waits ? 1 : 0,
    createdAt,
    updatedAt,
  };
}

/** What a client would send: five steps in a line, with two components and two credentials. */
export function body(index: number, random: Random, tenant: number, rare = ""): Record<string, unknown> {
  const [from, to] = [pick(systems, random), pick(systems, random)];
  const thing = pick(things, random);
  const components = [0, 1].map(() => componentId(Math.floor(random() * COMPONENTS)));
  const credentials = [0, 1].map(() => objectId("5b", tenant * 20 + Math.floor(random() * 20)));
  const nodes = [1, 2, 3, 4, 5].map((step) => ({
    id: `step_${step}`,
    componentId: components[step % 2],
    function: step === 1 ? "getObjectsPolling" : "upsertObject",
    name: step === 1 ? `Read ${thing} from ${from}` : `Step ${step} to ${to}`,
    credentials_id: credentials[step % 2],
    ...(step === 1 ? { fields: { interval: Math.floor(random() * 60), onlyNew: true } } : {}),
  }));
  const edges = [1, 2, 3, 4].map((step) => ({
    ...(step % 2 === 0 ? {} : { config: { mapper: { firstName: "data.first_name", total: "data.lines[0].total" } } }),
    source: `step_${step}`,
    target: `step_${step + 1}`,
  }));
  return {
    name: `${pick(verbs, random)} ${thing} from ${from} to ${to} ${index}${rare}`,
    description: `Takes ${thing} that are new or changed in ${from} and brings them to ${to}, one at a time.`,
    graph: { nodes, edges },
    type: random() < 0.7 ? "ordinary" : "long_running",
  };
}
