/** APIs that are live, as rows of D1, and the calls that are made of them. */
import { randomUUID } from "node:crypto";

import { checkApi } from "../../src/apis/check.ts";
import { comparable } from "../../src/apis/match.ts";
import { insertOf, rowOf } from "../data.ts";
import { flowAt, type Flow } from "../dataset.ts";
import { CALLER, CLIENT_ID, ORIGIN, PLAN, QUERY, type Interceptor, type Mix } from "./mixes.ts";

/** Flows of the data set beside the APIs; what is measured does not depend on how many there are. */
export const SIZE = 1000;
/** Resources of an API, unless something else is measured by them. */
export const RESOURCES = 10;

export interface Statement {
  readonly sql: string;
  readonly params: unknown[];
}

export interface Stood {
  readonly base: string;
  readonly resources: number;
  readonly mix: Mix;
}

/** A mix's own API. */
export const standing = (mix: Mix, base = `/bench-${mix.name.toLowerCase()}/v1`, resources = RESOURCES): Stood => ({
  base,
  resources,
  mix,
});

const entriesOf = (list: readonly Interceptor[], stage: string) =>
  list.map((entry, nth) => ({ id: `${stage}-${nth + 1}`, ...entry }));

function documentOf({ base, resources, mix }: Stood, backend: string) {
  const checked = checkApi({
    basePath: base,
    resources: Array.from({ length: resources }, (_, nth) => ({
      id: `resource-${nth}`,
      path: `/things-${nth}/{id}`,
      operations: [
        { id: "get", method: "GET" },
        { id: "post", method: "POST" },
      ],
    })),
    flows: {
      all: {
        request: entriesOf(mix.request, "request"),
        response: entriesOf(mix.response, "response"),
        destination: { url: backend },
      },
    },
    plans: [PLAN],
  });
  if (!checked.ok) throw new Error(`The API ${mix.name} is refused: ${JSON.stringify(checked.faults)}`);
  return checked.api;
}

const base = flowAt(0, SIZE);
const { owners } = base.document as { owners: { id: string; type: string }[] };
const owner = owners[0]!.id;
/** Where other kinds of flows have their steps. */
const graph = { nodes: [], edges: [] };

/** Stores APIs as if they had been started: their base paths lead to them. */
export function storing(all: readonly Stood[], backend: string): Statement[] {
  return all.flatMap((stood, nth): Statement[] => {
    const id = `fffffffffffffff${(0xbe_0000_000 + nth).toString(16).padStart(9, "0")}`;
    const flow: Flow = {
      ...base,
      id,
      document: {
        name: `API ${stood.base}`,
        kind: "api",
        type: "ordinary",
        graph,
        owners,
        api: documentOf(stood, backend),
      },
      status: "active",
      statusSeq: 2,
      startId: randomUUID(),
      startedAt: base.createdAt,
      startedBy: owner,
      deadlineAt: null,
      tries: 0,
      createdAt: Date.now() + nth,
      updatedAt: Date.now(),
    };
    const sql = "INSERT INTO open_apis (address, base_path, hostnames, flow_id) VALUES (?, ?, '[]', ?)";
    return [insertOf([rowOf(flow)]), { sql, params: [comparable(stood.base), stood.base, id] }];
  });
}

/** The app that calls, and the plan by which it does. */
export const subscribing = (): Statement[] => {
  const [who, now] = [JSON.stringify(owners), Date.now()];
  const plan = JSON.stringify({ name: "Bench", request: [], response: [] });
  return [
    {
      sql: "INSERT INTO plans (id, owners, created_at, updated_at, document) VALUES (?, ?, ?, ?, ?)",
      params: [PLAN, who, now, now, plan],
    },
    {
      sql: `INSERT INTO apps (id, client_id, name, owners, enabled, fields, plans, secret_hashes, tokens_from,
        created_at, updated_at) VALUES (?, ?, 'Bench', ?, 1, '{}', ?, '[]', 0, ?, ?)`,
      params: ["app_bench", CLIENT_ID, who, JSON.stringify([PLAN]), now, now],
    },
  ];
};

/** What a call brings at the edge: headers of a page's script, and those that Cloudflare puts in front of a Worker. */
export const callHeaders: Readonly<Record<string, string>> = {
  host: "api.example.com",
  "user-agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36",
  accept: "application/json",
  "accept-encoding": "gzip, br",
  "accept-language": "en",
  authorization: "Bearer 0123456789abcdef0123456789abcdef",
  origin: ORIGIN,
  client_id: CLIENT_ID,
  "x-tenant": "acme",
  "x-debug": "1",
  "cf-connecting-ip": CALLER,
  "cf-ipcountry": "DE",
  "cf-ray": "8a1b2c3d4e5f6789-FRA",
  "cf-visitor": '{"scheme":"https"}',
  "x-forwarded-for": CALLER,
  "x-forwarded-proto": "https",
};

export const postBody = JSON.stringify({ number: "4711", items: [{ sku: "a-1", price: 12.5, note: "x".repeat(200) }] });

/** A call as it goes over the wire. */
export function wireOf(method: string, path: string): string {
  const body = method === "POST" ? postBody : "";
  const more = body === "" ? {} : { "content-type": "application/json", "content-length": String(body.length) };
  const lines = Object.entries({ ...callHeaders, ...more }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n${body}`;
}

/** Of all numbers below `most` in an order that looks like none; the same each time. */
export const spread = (count: number, most: number): number[] =>
  Array.from({ length: count }, (_, nth) => Math.floor(((nth * 0.618_033_988_75) % 1) * most));

/** The part of a path that the backend gets too. */
export const pathIn = (resource: number, id: number): string => `/things-${resource}/${1000 + id}${QUERY}`;

/** Calls of the resources of an API, or of the backend itself without a base path. */
export const callsOf = (at: string, resources = RESOURCES, method = "GET", count = 1000): string[] =>
  spread(count, resources).map((resource, nth) => wireOf(method, `${at}${pathIn(resource, nth)}`));
