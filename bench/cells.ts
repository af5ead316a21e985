/** The requests whose cost is bounded, and the bounds. */
import { body, COMMON, flowAt, indexOf, placeOf, randomOf, RARE, templateId, TENANTS, type Status } from "./dataset.ts";
import { admin, memberOf, type Caller, type Request } from "./requests.ts";

export interface Bound {
  readonly read: number;
  readonly trips: number;
  readonly written?: number;
  /** Rows that may be read for each flow that was found, beside `read`. */
  readonly perHit?: number;
}

export interface Cell {
  readonly name: string;
  readonly request: Request;
  readonly bound: Bound;
  /** Measured is not this page, but the one that its `links.next` leads to. */
  readonly next?: boolean;
}

const page = { read: 80, trips: 1 };
const sorts = ["createdAt", "-createdAt", "updatedAt", "-updatedAt", "name", "-name"];

const pathOf = (parameters: Record<string, string | number>): string =>
  `/flows?${new URLSearchParams(Object.entries(parameters).map(([name, value]): [string, string] => [name, String(value)])).toString()}`;

const get = (name: string, caller: Caller, bound: Bound, parameters: Record<string, string | number>): Cell => ({
  name,
  bound,
  request: { method: "GET", path: pathOf(parameters), caller },
});

function first(caller: Caller, template: string): Cell[] {
  const filters = {
    "": {},
    status: { "filter[status]": "active" },
    type: { "filter[type]": "ordinary" },
    template: { "filter[fromTemplate]": template },
  };
  return Object.entries(filters).flatMap(([by, filter]) =>
    sorts.map((sort) => get(`first page, ${sort}${by === "" ? "" : `, by ${by}`}`, caller, page, { sort, ...filter })),
  );
}

/** Pages far behind the first one, by way of the cursor that the page before gives. */
function deep(caller: Caller, flows: number): Cell[] {
  const number = Math.max(1, Math.floor(flows / 20));
  return sorts.map((sort) => ({
    ...get(`page by cursor, ${sort}`, caller, page, { sort, "page[number]": number }),
    next: true,
  }));
}

/** A tenant with a flow of the wanted status, and that flow. */
function someFlow(size: number, big: boolean, status: Status, skip = 0): { id: string; caller: Caller } {
  let left = skip;
  for (let index = 0; index < size; index += 1) {
    const { tenant } = placeOf(index);
    if ((tenant === 0) !== big) continue;
    const flow = flowAt(index, size);
    if (flow.status === status && (left -= 1) < 0) return { id: flow.id, caller: memberOf(tenant) };
  }
  throw new Error(`Among ${size} flows is none that is ${status}.`);
}

function writing(size: number, big: boolean): Cell[] {
  const post = (name: string, status: Status, verb: string): Cell => {
    const { id, caller } = someFlow(size, big, status);
    const request = { method: "POST", path: `/flows/${id}/${verb}`, caller };
    return { name, request, bound: { read: 20, trips: 2, written: 8 } };
  };
  const edited = someFlow(size, big, "inactive", 1);
  const edit = { method: "PATCH", path: `/flows/${edited.id}`, caller: edited.caller, body: { name: "Another name" } };
  const made = { method: "POST", path: "/flows", caller: edited.caller, body: body(1, randomOf(size + 1), 1) };
  return [
    { name: "POST /flows", request: made, bound: { read: 10, trips: 1, written: 16 } },
    { name: "PATCH /flows/{id}", request: edit, bound: { read: 20, trips: 2 } },
    post("start", "inactive", "start"),
    post("stop", "active", "stop"),
  ];
}

/** All requests of the table. Those that write come last. */
export function cellsOf(size: number): Cell[] {
  const member = memberOf(1);
  const ofBig = memberOf(0);
  const [small, big] = [size * (0.9 / (TENANTS - 1)), size / 10];
  const byId = (caller: Caller, index: number): Cell => ({
    name: "GET /flows/{id}",
    bound: { read: 4, trips: 1 },
    request: { method: "GET", path: `/flows/${flowAt(index, size).id}`, caller },
  });
  const rare = { read: 1000, trips: 1, perHit: 200 };
  const searching = { read: 2500, trips: 1 };
  return [
    byId(member, indexOf(1, 0)),
    byId(ofBig, 0),
    byId(admin, 0),
    ...first(member, templateId(1, 0)),
    ...first(ofBig, templateId(0, 0)),
    ...first(admin, templateId(0, 0)),
    ...deep(member, small),
    ...deep(ofBig, big),
    ...deep(admin, size),
    get("page[number]=1000", ofBig, { read: 25_000, trips: 1 }, { "page[number]": 1000 }),
    get("search, usual term", member, searching, { search: COMMON }),
    get("search, rare term", ofBig, rare, { search: RARE }),
    get("search, rare term", admin, rare, { search: RARE }),
    ...writing(size, false),
    ...writing(size, true),
  ];
}
