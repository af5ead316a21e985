/** Flows as mongoexport tells them of the original's database. Everything follows from the number of the flow. */
import { randomOf, type Random } from "../dataset.ts";

const TENANTS = 400;
const USERS = 10;
const SPAN_MS = 4 * 365 * 86_400_000;
const LAST_MS = Date.UTC(2026, 9, 1);

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, "0");
const oid = (kind: string, number: number) => ({ $oid: kind + hex(number, 24 - kind.length) });
const pick = <T>(list: readonly T[], random: Random): T => list[Math.floor(random() * list.length)]!;

const systems = ["Snazzy Contacts", "Wice CRM", "Magento", "Odoo", "SugarCRM", "Google Calendar", "SAP", "Shopify"];
const things = ["invoices", "orders", "contacts", "products", "tickets"];
const crons = ["*/3 * * * *", "0 * * * *", "15 4 * * *", "*/10 * * * * *"];

/** How a document can be bad, and so that it is told on its own line. */
const faults: readonly ((flow: Record<string, unknown>) => string)[] = [
  (flow) => JSON.stringify({ ...flow, status: "paused" }),
  (flow) => JSON.stringify({ ...flow, _id: "none" }),
  (flow) => JSON.stringify({ ...flow, graph: { nodes: [] } }),
  (flow) => JSON.stringify({ ...flow, owners: [{ id: "5c0000000000000000000002" }] }),
  (flow) => JSON.stringify(flow).slice(0, -40),
];

/** The line of a flow; of some of them one that cannot be stored. */
export function lineOf(index: number, size: number, bad: number, component?: string): string {
  const flow = flowOf(index, size, component);
  const every = Math.floor(size / bad);
  const nth = Math.floor(index / every);
  const isBad = index % every === every - 1 && nth < bad;
  return isBad ? faults[nth % faults.length]!(flow) : JSON.stringify(flow);
}

function flowOf(index: number, size: number, component: string | undefined): Record<string, unknown> {
  const random = randomOf(index + 1);
  const tenant = Math.floor(random() * TENANTS);
  const createdAt = Math.floor(LAST_MS - SPAN_MS + (SPAN_MS / size) * index);
  const updatedAt = createdAt + Math.floor(random() * (LAST_MS + 86_400_000 - createdAt));
  const [from, to, thing] = [pick(systems, random), pick(systems, random), pick(things, random)];
  const steps = 3 + Math.floor(random() * 6);
  const nodes = Array.from({ length: steps }, (_, step) =>
    nodeOf(step, { from, to, thing, tenant, random, component }),
  );
  const edges = Array.from({ length: steps - 1 }, (_, step) => ({
    ...(step % 2 === 0 ? { config: { mapper: { firstName: "data.first_name", total: "data.lines[0].total" } } } : {}),
    source: `step_${step + 1}`,
    target: `step_${step + 2}`,
  }));
  return {
    _id: { $oid: hex(Math.floor(createdAt / 1000), 8) + hex(Math.floor(random() * 2 ** 32), 8) + hex(index, 8) },
    name: `Sync ${thing} from ${from} to ${to} ${index}`,
    description: `Takes ${thing} that are new or changed in ${from} and brings them to ${to}, one at a time.`,
    graph: { nodes, edges },
    type: random() < 0.7 ? "ordinary" : "long_running",
    owners: [
      { id: oid("5c", tenant * USERS + Math.floor(random() * USERS)).$oid, type: "user" },
      { id: oid("5d", tenant).$oid, type: "tenant" },
    ],
    status: random() < 0.05 ? "active" : "inactive",
    ...(random() < 0.5 ? { cron: pick(crons, random) } : {}),
    createdAt: { $date: new Date(createdAt).toISOString() },
    updatedAt: { $date: new Date(updatedAt).toISOString() },
    __v: 0,
  };
}

interface Told {
  readonly from: string;
  readonly to: string;
  readonly thing: string;
  readonly tenant: number;
  readonly random: Random;
  readonly component: string | undefined;
}

function nodeOf(step: number, { from, to, thing, tenant, random, component }: Told): Record<string, unknown> {
  const first = step === 0;
  return {
    id: `step_${step + 1}`,
    componentId: component ?? oid("5a", Math.floor(random() * 500)),
    ...(first ? { name: `Read ${thing} from ${from}` } : { fields: { path: `/${thing}`, message: `to ${to}` } }),
    function: first ? "getObjectsPolling" : "upsertObject",
    credentials_id: oid("5b", tenant * 20 + Math.floor(random() * 20)),
    ...(first ? { fields: { interval: Math.floor(random() * 60), message: `${thing} of ${from}` } } : {}),
  };
}
