import { createHash } from "node:crypto";

import { z } from "zod";

/** What the product has for the bus. */
export const ProductMessage = z.object({
  headers: z.looseObject({
    name: z.string(),
    createdAt: z.number().optional(),
    serviceName: z.string().optional(),
    statusSeq: z.number().optional(),
  }),
  payload: z.record(z.string(), z.unknown()),
});
export type ProductMessage = z.infer<typeof ProductMessage>;

/** A message as the original's services publish and read it. */
export interface BusMessage {
  readonly routingKey: string;
  readonly content: Buffer;
}

type Entry = Readonly<Record<string, unknown>>;

const flowKeys = [
  "name",
  "description",
  "graph",
  "type",
  "tenant",
  "owners",
  "status",
  "cron",
  "fromTemplate",
] as const;
const laterKeys = ["flowSettings", "createdAt", "updatedAt", "id", "startedBy"] as const;
const nodeKeys = ["id", "componentId", "function", "name", "credentials_id", "description", "fields", "nodeSettings"];
const edgeKeys = ["id", "config", "source", "target"];

export const isCommand = ({ headers: { name } }: ProductMessage): boolean =>
  name === "flow.starting" || name === "flow.stopping";

/** The flow that a message is about; messages of one flow keep their order. */
export function flowOf({ payload }: ProductMessage): string {
  const id = payload["id"] ?? payload["flowId"];
  return typeof id === "string" ? id : "";
}

/** Whether a command names its flow and does not carry it, because that would not have fitted a queue. */
export const isReference = ({ payload }: ProductMessage): boolean =>
  payload["graph"] === undefined && typeof payload["href"] === "string";

/** Puts the flow itself in the place of a reference to it. In whose name it runs the reference alone says. */
export function withDocument(message: ProductMessage, document: Entry): ProductMessage {
  const { href: _, revision: __, ...identity } = message.payload;
  return { ...message, payload: { ...document, tenant: undefined, ...identity } };
}

/** The bytes that the original would publish: its headers and keys alone, in its order. */
export function toBus(message: ProductMessage): BusMessage {
  const { name, createdAt = Date.now(), serviceName = "flow-repository" } = message.headers;
  const payload = isCommand(message) ? flowPayload(message.payload) : message.payload;
  return {
    routingKey: name,
    content: Buffer.from(JSON.stringify({ headers: { name, createdAt, serviceName }, payload })),
  };
}

function flowPayload(flow: Entry): Entry {
  const graph = isEntry(flow["graph"]) ? { graph: graphOf(flow["graph"]) } : {};
  return { ...picked({ ...flow, ...graph, tenant: tenantOf(flow) }, [...flowKeys, ...laterKeys]) };
}

const graphOf = (graph: Entry): Entry => ({
  nodes: entriesIn(graph["nodes"]).map((node) => picked(node, nodeKeys)),
  edges: entriesIn(graph["edges"]).map((edge) => {
    const { config } = edge;
    const known = isEntry(config) ? { ...edge, config: picked(config, ["condition", "mapper"]) } : edge;
    return picked(known, edgeKeys);
  }),
});

/**
 * The original's webhooks drop a flow whose tenant is no id. One without a tenant runs for its account alone, and has
 * that account's id here; one whose owners are no ids gets one that is made of theirs and stands for nobody else.
 */
export function tenantOf(flow: Entry): string {
  const owners = entriesIn(flow["owners"]);
  const tenants = owners.filter(({ type }) => type === "tenant").map(({ id }) => id);
  const candidates = [flow["tenant"], ...tenants, flow["startedBy"], ...owners.map(({ id }) => id)];
  const found = candidates.find(isHexId);
  if (found !== undefined) return found;
  const name = tenants.find((id) => typeof id === "string") ?? owners[0]?.["id"] ?? flow["id"];
  return createHash("sha256")
    .update(`tenant ${String(name)}`)
    .digest("hex")
    .slice(0, 24);
}

const isHexId = (value: unknown): value is string => typeof value === "string" && /^[0-9a-f]{24}$/i.test(value);
const isEntry = (value: unknown): value is Entry =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const entriesIn = (value: unknown): Entry[] => (Array.isArray(value) ? value.filter(isEntry) : []);

const picked = (from: Entry, keys: readonly string[]): Entry =>
  Object.fromEntries(keys.filter((key) => from[key] !== undefined).map((key) => [key, from[key]]));

/** Levels of nesting that the product takes, and no message of the bus has. */
const MOST_LEVELS = 100;
const UNREADABLE = "unreadable";

/** What came from the bus, as the product takes it. What cannot be read is handed over all the same, to be kept. */
export function fromBus(content: Buffer): unknown {
  const text = content.toString("utf8");
  try {
    const parsed: unknown = JSON.parse(text);
    if (isEntry(parsed) && !isDeep(parsed)) return parsed;
  } catch {
    // Told below.
  }
  return asText(text);
}

/** A message that cannot be read as one, for an operator to look at. */
export function asText(message: unknown): unknown {
  const text = typeof message === "string" ? message : JSON.stringify(message);
  return { headers: { name: UNREADABLE }, payload: text.slice(0, 10_000) };
}

export const isText = (message: unknown): boolean =>
  isEntry(message) && isEntry(message["headers"]) && message["headers"]["name"] === UNREADABLE;

/** Without recursion: the depth itself may be the attack. */
function isDeep(root: unknown): boolean {
  let present = [root];
  for (let level = 0; present.length > 0; level += 1) {
    if (level > MOST_LEVELS) return true;
    present = present.flatMap((value) => (typeof value === "object" && value !== null ? Object.values(value) : []));
  }
  return false;
}

/** What a message from the bus is about; such messages keep their order. */
export function subjectOf(message: unknown): string {
  const payload = isEntry(message) && isEntry(message["payload"]) ? message["payload"] : {};
  return typeof payload["id"] === "string" ? payload["id"].toLowerCase() : "";
}

/** Bytes above which a message would not fit a queue. */
const MOST_QUEUED_BYTES = 100_000;

/** A message that fits a queue: of one that does not, what the product reads of it. */
export function fitting(message: unknown): unknown {
  if (Buffer.byteLength(JSON.stringify(message)) <= MOST_QUEUED_BYTES || !isEntry(message)) return message;
  const { headers, payload } = message;
  const reason = isEntry(payload) ? payload["reason"] : undefined;
  return {
    headers: shortIn(headers, ["name", "createdAt", "serviceName", "startId"]),
    payload: {
      ...shortIn(payload, ["id", "startId"]),
      ...(typeof reason === "string" ? { reason: reason.slice(0, 2000) } : {}),
    },
  };
}

const shortIn = (part: unknown, keys: readonly string[]): Entry => {
  const entries = Object.entries(isEntry(part) ? picked(part, keys) : {});
  return Object.fromEntries(entries.filter(([, value]) => JSON.stringify(value).length <= 1000));
};

/** Divides messages into batches of so many and so many bytes. */
export function batchesOf(messages: readonly unknown[], most: number, mostBytes: number): unknown[][] {
  const batches: unknown[][] = [];
  let bytes = Infinity;
  for (const message of messages) {
    const more = Buffer.byteLength(JSON.stringify(message));
    if (bytes + more > mostBytes || batches.at(-1)?.length === most) {
      batches.push([]);
      bytes = 0;
    }
    batches.at(-1)!.push(message);
    bytes += more;
  }
  return batches;
}
