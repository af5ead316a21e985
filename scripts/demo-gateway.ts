import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import type { Answer, Demo } from "./demo-talk.ts";

/** What the team that owns the orders has: a document of its API. */
const openApi = (url: string): string => `openapi: 3.1.0
info: { title: Orders, version: 1.0.0, description: Orders and their items. }
servers: [{ url: "${url}/v1" }]
paths:
  /orders:
    get: { operationId: listOrders, summary: List the orders, responses: { "200": { description: The orders. } } }
    post: { operationId: addOrder, summary: Add an order, responses: { "201": { description: The order. } } }
  /orders/{orderId}:
    get: { operationId: readOrder, summary: Read an order, responses: { "200": { description: The order. } } }
    delete: { operationId: dropOrder, summary: Drop an order, responses: { "204": { description: Done. } } }
`;

interface Resource {
  readonly id: string;
  readonly path: string;
  readonly operations: readonly { readonly id: string; readonly method: string }[];
}

interface EntryView {
  readonly id: string;
  readonly type: string;
  readonly origin: string;
  readonly level: string;
  readonly config: Readonly<Record<string, unknown>>;
}

interface View {
  readonly broken: boolean;
  readonly breaks: readonly { readonly cause: string; readonly message: string }[];
  readonly request: readonly EntryView[];
  readonly response: readonly EntryView[];
}

interface TraceStep {
  readonly id: string;
  readonly type: string;
  readonly stage: string;
  readonly level: string;
  readonly outcome: string;
  readonly ms: number;
}

// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- each call says what it expects
const dataOf = <T>({ body }: Answer): T => body["data"] as T;
const entry = (id: string, type: string, config: object) => ({ id, type, config });
const title = (text: string): void => console.log(`\n# ${text}`);

const limit = (calls: number) => entry("limit", "rateLimit", { calls, interval: "hour", quotaHeaders: true });
const gateway = entry("gateway", "header", { set: { "x-gateway": "orders" } });
const tenant = entry("tenant", "query", { set: { tenant: "acme" } });
const masked = entry("masked", "mask", { fields: ["customer.iban"], keepLast: 4 });
const size = entry("size", "requestSize", { mostBytes: 10_000 });

/** The service behind the gateway: it tells what it was asked, and knows too much about its customers. */
async function backend(): Promise<{ server: Server; url: string }> {
  const server = createServer((request, response) => {
    const { method, url, headers } = request;
    console.log(`  [backend] ${method} ${url}  x-gateway: ${String(headers["x-gateway"])}`);
    const order = { number: 7, customer: { name: "Joe Bloke", iban: "DE89370400440532013000" } };
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(order));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

/** An API comes from its document, gets interceptors at three levels, breaks and heals, and is called. */
export async function gatewayDemo(demo: Demo): Promise<void> {
  const orders = await backend();
  console.log(`\n# The orders' backend listens on ${orders.url}`);
  try {
    const { path, one, read } = await imported(demo, orders.url);
    await edited(demo, path, one, read);
    await broken(demo, path, one, read);
    await tried(demo, path);
    const base = await opened(demo, path);
    await called(demo, path, base);
    await changed(demo, path, base);
  } finally {
    orders.server.close();
    orders.server.closeAllConnections();
  }
}

async function imported(demo: Demo, url: string): Promise<{ path: string; one: string; read: string }> {
  title("Its OpenAPI document makes the resources and operations");
  const document = openApi(url);
  const answer = await demo.send("POST", "/apis/import?basePath=/orders-api", document, "application/yaml", 201);
  const { id } = dataOf<{ id: string }>(answer);
  const path = `/apis/${id}`;
  const { resources } = dataOf<{ resources: readonly Resource[] }>(
    await demo.call("GET", `${path}/draft`, 200, undefined, false),
  );
  for (const { id: resource, path: template, operations } of resources) {
    console.log(`  ${resource.padEnd(18)} ${template.padEnd(20)} ${operations.map(({ method }) => method).join(" ")}`);
  }
  const order = resources.find((resource) => resource.path.includes("{"))!;
  const read = order.operations.find(({ method }) => method === "GET")!;
  return { path, one: order.id, read: `${order.id}/${read.id}` };
}

/** The lists of a scope, with where each interceptor comes from. */
function show(answer: Answer): View {
  const view = dataOf<View>(answer);
  for (const stage of ["request", "response"] as const) {
    const list = view[stage].map(({ id, origin, level }) => `${id} (${origin}, ${level})`);
    console.log(`  ${stage.padEnd(8)} ${list.join(" → ") || "–"}`);
  }
  console.log(view.broken ? `  BROKEN: ${view.breaks.map(({ message }) => message).join(" ")}` : "  not broken");
  return view;
}

const put = async (demo: Demo, path: string, scope: string, flow: object): Promise<View> => {
  console.log(`\n> PUT ${path}/flows/${scope}`);
  return show(await demo.call("PUT", `${path}/flows/${scope}`, 200, flow, false));
};
const look = async (demo: Demo, path: string, scope: string): Promise<View> => {
  console.log(`\n> GET ${path}/flows/${scope}`);
  return show(await demo.call("GET", `${path}/flows/${scope}`, 200, undefined, false));
};

async function edited(demo: Demo, path: string, one: string, read: string): Promise<void> {
  title("Interceptors at three levels: the API, a resource, an operation. Children have their parent's first");
  const { destination } = dataOf<{ destination: { url: string } }>(
    await demo.call("GET", `${path}/flows/all/all`, 200, undefined, false),
  );
  const all = { request: [limit(100), gateway], response: [], destination: { url: destination.url, timeout: 5 } };
  await put(demo, path, "all/all", all);
  await put(demo, path, `${one}/all`, { request: [limit(100), gateway, tenant], response: [] });
  await put(demo, path, read, { request: [limit(100), gateway, tenant], response: [masked] });
}

async function broken(demo: Demo, path: string, one: string, read: string): Promise<void> {
  title("An interceptor of its own before the inherited ones breaks the flow of the operation");
  const first = await put(demo, path, read, {
    request: [size, limit(100), gateway, tenant],
    response: [masked],
  });
  demand(first.broken, "The flow should be broken.");
  title("Now what the API adds reaches the resource, and no longer the operation");
  const view = dataOf<View>(await demo.call("GET", `${path}/flows/all/all`, 200, undefined, false));
  const { destination } = view as View & { destination: { url: string } };
  const stamp = entry("stamp", "header", { set: { "x-stamp": "{{method}}" } });
  await put(demo, path, "all/all", {
    request: [limit(100), gateway, stamp],
    response: [],
    destination: { url: destination.url, timeout: 5 },
  });
  const child = await look(demo, path, `${one}/all`);
  demand(
    child.request.some(({ id }) => id === "stamp"),
    "The resource should have inherited the stamp.",
  );
  const cut = await look(demo, path, read);
  demand(!cut.request.some(({ id }) => id === "stamp"), "A broken flow should inherit nothing.");
  title("Restore: the parent's sequence, then its own");
  console.log(`\n> POST ${path}/flows/${read}/restore`);
  const healed = show(await demo.call("POST", `${path}/flows/${read}/restore`, 200, undefined, false));
  demand(!healed.broken && healed.request.at(-1)?.id === "size", "The flow should be healed, with its own behind.");
}

async function tried(demo: Demo, path: string): Promise<void> {
  title("A dry run of the draft, before anything of it is live: nothing leaves the gateway, nothing is counted");
  const mock = { status: 200, headers: { "content-type": "application/json" }, body: { customer: { iban: "DE1234" } } };
  const body = { method: "GET", path: "/orders/7", query: { debug: "1" }, destination: "mock", mock };
  const answer = await demo.call("POST", `${path}/try`, 200, body, false);
  const { answer: got, trace } = dataOf<{ answer: { status: number; body: string }; trace: Trace }>(answer);
  console.log(`  ${got.status} ${got.body}`);
  print(trace);
}

interface Trace {
  readonly steps: readonly TraceStep[];
  readonly destination: null | { readonly address: string; readonly status?: number; readonly ms: number };
  readonly status: number;
}

const line = ({ stage, id, type, level, outcome, ms }: TraceStep): void =>
  console.log(`  ${stage.padEnd(9)} ${id.padEnd(10)} ${type.padEnd(12)} ${level.padEnd(10)} ${outcome} (${ms} ms)`);

function print({ steps, destination }: Trace): void {
  for (const step of steps.filter(({ stage }) => stage === "request")) line(step);
  if (destination !== null) {
    console.log(`  ${"→".padEnd(9)} ${destination.address} ${destination.status} (${destination.ms} ms)`);
  }
  for (const step of steps.filter(({ stage }) => stage === "response")) line(step);
}

async function opened(demo: Demo, path: string): Promise<string> {
  title("Save the API: the draft is a revision now. Start it: it stands on the gateway");
  await demo.call("POST", `${path}/save`, 200, { note: "First version" }, false);
  const flow = path.replace("/apis/", "/flows/");
  await demo.call("POST", `${flow}/start`, 200, undefined, false);
  await demo.until(flow, (status) => status === "active", false);
  const base = `${demo.base}/gateway/orders-api`;
  await within5s(async () => (await fetch(`${base}/orders`)).status === 200);
  return base;
}

/** Waits until every call goes by what was saved or started, and tells how long that took. */
async function within5s(isLive: () => Promise<boolean>): Promise<void> {
  const began = Date.now();
  while (!(await isLive())) {
    demand(Date.now() - began < 6000, "It should be live within 5 seconds.");
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  console.log(`  live after ${((Date.now() - began) / 1000).toFixed(1)} s`);
}

async function called(demo: Demo, path: string, base: string): Promise<void> {
  title("Clients call it. One asks for a trace, and may");
  const answer = await demo.through(`${base}/orders/7?debug=1`);
  const text = await answer.text();
  console.log(`< ${answer.status} ${text}`);
  console.log(`  x-ratelimit-remaining: ${answer.headers.get("x-ratelimit-remaining")}`);
  demand(text.includes("******************3000"), "The account number should be masked.");
  const id = answer.headers.get("x-gateway-trace-id");
  demand(id !== null, "The call should be traced.");
  console.log(`\n> GET ${path}/traces/${id}`);
  print(await demo.eventually<Trace>(`${path}/traces/${id}`));
  const other = await fetch(`${base}/none`);
  console.log(`\n> GET /gateway/orders-api/none\n< ${other.status} ${await other.text()}`);
  demand(other.status === 404, "An unknown path should be 404.");
}

async function changed(demo: Demo, path: string, base: string): Promise<void> {
  title("An edit is nobody's business until it is saved; then it is live everywhere within 5 s, without a stop");
  const { destination } = dataOf<{ destination: { url: string } }>(
    await demo.call("GET", `${path}/flows/all/all`, 200, undefined, false),
  );
  const mock = entry("closed", "mock", { status: 503, body: { closed: "until noon" } });
  const all = { request: [limit(100), gateway, mock], response: [], destination: { url: destination.url, timeout: 5 } };
  await demo.call("PUT", `${path}/flows/all/all`, 200, all, false);
  demand((await fetch(`${base}/orders`)).status === 200, "A draft should not be live.");
  await demo.call("POST", `${path}/save`, 200, {}, false);
  await within5s(async () => (await fetch(`${base}/orders`)).status === 503);
  const revisions = dataOf<{ revision: number; note: string }[]>(
    await demo.call("GET", `${path}/revisions`, 200, undefined, false),
  );
  for (const { revision, note } of revisions) console.log(`  revision ${revision}: ${note}`);
}

function demand(isSo: boolean, sentence: string): void {
  if (!isSo) throw new Error(sentence);
}
