import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import type { Answer, Demo } from "./demo-talk.ts";

/** The story of seed 003: basic data, the choice of a product, a score that a service of the bank's knows, done. */
const workflowWith = (scoring: string) => ({
  name: "onboarding",
  access: "public",
  log: true,
  mask: ["basic.mobile"],
  validate: { channel: { rule: "string", optional: true } },
  functions: {
    quote: {
      validate: { product: { rule: "values", values: ["gold", "silver"] } },
      commands: [{ command: "success", result: { monthly: "{{it.product = 'gold' ? 9 : 4}}" } }],
    },
  },
  commands: [
    {
      command: "route",
      name: "basic",
      uri: "/basic",
      validate: {
        firstname: { rule: "string", max: 100 },
        lastname: { rule: "string", max: 100 },
        age: { rule: "number", min: 18, integer: true },
        mobile: { rule: "regex", pattern: "\\+\\d{8,15}", message: "Use digits with a leading +." },
        id_card: { rule: "file", mime: ["image/*"], optional: true },
      },
    },
    {
      command: "route",
      name: "product",
      uri: "/product",
      export: { hello: "{{basic.firstname}}", products: { gold: "Gold card", silver: "Silver card" } },
      validate: { product: { rule: "values", values: ["gold", "silver"] } },
    },
    {
      command: "exchange",
      name: "scoring",
      url: scoring,
      method: "POST",
      body: { age: "{{basic.age}}", product: "{{product.product}}" },
      validate: { points: { rule: "number" } },
      timeout: 5,
      retry: { attempts: 3, backoff: 0.3 },
      namespace: "score",
    },
    {
      command: "if",
      condition: "score.points < 500",
      do: [{ command: "decision", decision: "refused" }],
    },
    {
      command: "route",
      name: "done",
      uri: "/done",
      terminal: true,
      export: { hello: "{{basic.firstname}} {{basic.lastname}}", product: "{{product.product}}" },
      result: { points: "{{score.points}}" },
    },
  ],
});

/** A client of the Hub, as a browser is one: it has an execution's uuid and token, and nothing else. */
class Visitor {
  readonly #base: string;
  readonly #uuid: string;
  readonly #token: string;

  constructor(base: string, ticket: Record<string, unknown>) {
    this.#base = base;
    this.#uuid = String(ticket["uuid"]);
    this.#token = String(ticket["token"]);
  }

  static async start(base: string, name: string, input: object): Promise<Visitor> {
    const { body } = await said(base, "POST", `/api/executor/${name}`, 201, input);
    return new Visitor(base, body);
  }

  /** The same visitor behind a reload: only what the page had stored is left. */
  reloaded(): Visitor {
    return new Visitor(this.#base, { uuid: this.#uuid, token: this.#token });
  }

  call(method: string, path: string, expected: number, body?: unknown): Promise<Answer> {
    return said(this.#base, method, `/api/execution/${this.#uuid}${path}`, expected, body, this.#token);
  }

  upload(file: File): Promise<Answer> {
    const form = new FormData();
    form.set("file", file);
    return said(this.#base, "POST", "/api/files/cache", 201, form, this.#token);
  }

  get uuid(): string {
    return this.#uuid;
  }
}

const UUID = /\b([0-9a-f]{8})-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-([0-9a-f]{4})[0-9a-f]{8}\b/g;

/** A body to read: uuids are short, a token stays unseen, and of a route's rules stand the names of the fields. */
function shown(body: unknown): string {
  if (body instanceof FormData) return [...body.values()].map((one) => `[${(one as File).name}]`).join(" ");
  const text = JSON.stringify(body, (key, value: unknown) => {
    if (key === "token") return "…";
    return key === "validate" ? Object.keys(value as object) : value;
  });
  return text.replaceAll(UUID, "$1…$2");
}

/** Sends a message, shows it and what came, and fails if that has another status than expected. */
async function said(
  base: string,
  method: string,
  path: string,
  expected: number,
  body?: unknown,
  token?: string,
): Promise<Answer> {
  const isForm = body instanceof FormData;
  const response = await fetch(base + path, {
    method,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined || isForm ? {} : { "content-type": "application/json" }),
    },
    ...(body === undefined ? {} : { body: isForm ? body : JSON.stringify(body) }),
  });
  const answer: Answer = { status: response.status, body: (await response.json()) as Answer["body"] };
  console.log(`\n> ${method} ${path.replaceAll(UUID, "$1…$2")}${body === undefined ? "" : ` ${shown(body)}`}`);
  console.log(`< ${answer.status} ${shown(answer.body)}`);
  if (answer.status !== expected) {
    throw new Error(`${method} ${path} answered ${answer.status}, expected was ${expected}.`);
  }
  return answer;
}

/** Fails unless the answer has what it is told to have. */
function demand(answer: Answer, wanted: Readonly<Record<string, unknown>>): void {
  for (const [key, value] of Object.entries(wanted)) {
    const [found, due] = [answer.body[key], value].map((one) => JSON.stringify(one));
    if (found !== due) throw new Error(`${key} should be ${due}, but is ${found}.`);
  }
}

/** The scoring service: its first answer is that it is busy. */
async function scoringService(): Promise<{ server: Server; url: string; asked: () => number }> {
  let asked = 0;
  const server = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk: Buffer) => (text += chunk.toString()));
    request.on("end", () => {
      asked += 1;
      const [status, answer] = asked === 1 ? [503, { busy: true }] : [200, { points: 720 }];
      console.log(`  [scoring] got ${text} and answers ${status} ${JSON.stringify(answer)}`);
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(answer));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/scores`, asked: () => asked };
}

const joe = { firstname: "Joe", lastname: "Bloke", age: "34", mobile: "+4930123456" };

/** Somebody walks through a workflow, screen by screen, and the back office looks at it afterwards. */
export async function onboarding(demo: Demo): Promise<void> {
  const scoring = await scoringService();
  console.log(`\n# A scoring service listens on ${scoring.url}`);
  try {
    await open(demo, scoring.url);
    const uuid = await walk(demo.base);
    if (scoring.asked() !== 2) throw new Error(`The scoring service was asked ${scoring.asked()} times, not twice.`);
    await lookBack(demo, uuid);
  } finally {
    scoring.server.close();
  }
}

async function open(demo: Demo, url: string): Promise<void> {
  console.log("\n# Have the workflow checked, store it, start it: its name is open then");
  const flow = { name: "Onboarding", kind: "workflow", workflow: workflowWith(url) };
  const { body } = await demo.call("POST", "/flows/validate", 200, flow, false);
  const { valid, findings } = body["data"] as { valid: boolean; findings: unknown[] };
  console.log(`  valid: ${valid}`);
  if (!valid) throw new Error(`The workflow is not valid: ${JSON.stringify(findings)}`);
  const stored = await demo.call("POST", "/flows", 201, flow, false);
  const path = `/flows/${(stored.body["data"] as { id: string }).id}`;
  await demo.call("POST", `${path}/start`, 200, undefined, false);
  await demo.until(path, (status) => status === "active", false);
}

async function walk(base: string): Promise<string> {
  console.log("\n# Somebody starts an execution; no account is needed. The token opens this execution alone");
  const first = await Visitor.start(base, "onboarding", { channel: "campaign" });
  const begun = await first.call("GET", "", 200);
  demand(begun, { uri: "/basic", terminal: false, backEnabled: false });

  console.log("\n# What is missing or wrong is told at once, field by field; nothing is changed by it");
  const wrong = { uuid: begun.body["uuid"], payload: { firstname: "Joe", age: 16, mobile: "none" } };
  demand(await first.call("POST", "", 422, wrong), {
    errors: [
      { field: "lastname", message: "Required" },
      { field: "age", message: "Must be at least 18" },
      { field: "mobile", message: "Use digits with a leading +." },
    ],
  });

  console.log("\n# A file is uploaded first; the payload names it. Then it goes on");
  const card = await first.upload(new File([new Uint8Array(2048)], "id_card.png", { type: "image/png" }));
  demand(card, { fileName: "id_card.png", size: 2048 });
  const data = { ...joe, id_card: card.body };
  const product = await first.call("POST", "", 200, { uuid: begun.body["uuid"], payload: data });
  demand(product, { uri: "/product", backEnabled: true });

  console.log("\n# The page is reloaded: the execution knows where it stands");
  const visitor = first.reloaded();
  demand(await visitor.call("GET", "", 200), product.body);

  console.log("\n# A function answers a question of the page beside the way");
  const { body: call } = await visitor.call("POST", "/function", 201, { name: "quote", payload: { product: "gold" } });
  demand(await visitor.call("GET", `/function/${String(call["uuid"])}`, 200), { monthly: 9 });

  console.log("\n# Back: the form is filled with what was submitted; what was chosen so far is kept as a draft");
  const draft = { uuid: product.body["uuid"], payload: { product: "silver" } };
  const basic = await visitor.call("POST", "/back", 200, draft);
  demand(basic, { uri: "/basic", backEnabled: false, payload: data });

  console.log("\n# A submit for the route that was left is refused");
  const stale = { uuid: product.body["uuid"], payload: { product: "gold" } };
  demand(await visitor.call("POST", "", 400, stale), {
    code: "STALE_ROUTE",
    currentRouteUuid: basic.body["uuid"],
  });

  console.log("\n# Forward again: the draft is there");
  const corrected = { uuid: basic.body["uuid"], payload: { ...data, lastname: "Doe" } };
  const again = await visitor.call("POST", "", 200, corrected);
  demand(again, { uri: "/product", payload: { product: "silver" } });

  console.log("\n# The last choice. The scoring service is busy at first and is asked again; the page just waits");
  const last = { uuid: again.body["uuid"], payload: { product: "gold" } };
  const done = await visitor.call("POST", "", 200, last);
  demand(done, { uri: "/done", terminal: true, backEnabled: false, export: { hello: "Joe Doe", product: "gold" } });

  console.log("\n# Its answer may have been lost: the same submit again is answered the same. Another one is refused");
  demand(await visitor.call("POST", "", 200, last), done.body);
  const late = { uuid: again.body["uuid"], payload: { product: "silver" } };
  demand(await visitor.call("POST", "", 400, late), { code: "EXECUTION_TERMINATED" });
  return visitor.uuid;
}

interface Event {
  readonly type: string;
  readonly data?: unknown;
}

/** The list is told of the end a moment after the visitor. */
async function lookBack(demo: Demo, uuid: string): Promise<void> {
  console.log("\n# The back office sees it, and what happened; the phone number is masked");
  const path = `/api/backoffice/executions/${uuid}`;
  const detail = await demo.until(path, (status) => status !== "running", false);
  if (detail["status"] !== "terminated") throw new Error(`The execution ended ${String(detail["status"])}.`);
  console.log(`  outcome ${JSON.stringify(detail["outcome"])}`);
  const { body } = await demo.call("GET", `${path}/events?page[size]=500`, 200, undefined, false);
  const events = body["data"] as Event[];
  for (const { type, data } of events.filter(({ type: one }) => ["submit", "back", "answer", "ended"].includes(one))) {
    console.log(`    ${type.padEnd(8)} ${shown(data)}`);
  }
  const text = JSON.stringify(events);
  if (text.includes(joe.mobile) || !text.includes(joe.firstname)) throw new Error("The events are not masked as told.");
}
