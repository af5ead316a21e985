// The demo once more, as a client would write it: every call, body and answer has the types of the OpenAPI document.
import createClient from "openapi-fetch";

import type { components, paths } from "./schema.d.ts";

const [base, token] = process.argv.slice(2);
if (base === undefined || token === undefined) throw new Error("Usage: node demo.ts <base> <token>");

type Schemas = components["schemas"];
type Flow = Schemas["Flow"];

const client = createClient<paths>({ baseUrl: base, headers: { authorization: `Bearer ${token}` } });

const example: Schemas["FlowInput"] = {
  name: "Example Integration Flow",
  description: "Transfers data from the example origin to the example destination",
  graph: {
    nodes: [
      { id: "step_1", name: "An example origin" },
      { id: "step_2", name: "An example destination" },
    ],
    edges: [{ source: "step_1", target: "step_2" }],
  },
};

// @ts-expect-error -- would compile if the document left the status open
export const unknownStatus: Schemas["FlowStatus"] = "sleeping";

/** What a call gave, unless the service refused it. */
function given<T>(answer: { data?: T; error?: Schemas["Errors"]; response: Response }): T {
  if (answer.data !== undefined) return answer.data;
  const told = answer.error?.errors.map(({ error, message }) => `${error} ${message}`).join("; ");
  throw new Error(`${answer.response.url} answered ${answer.response.status}: ${told}`);
}

/** The name of the error of a call that had to be refused. */
function refused(answer: { error?: Schemas["Errors"]; response: Response }, status: number): string | undefined {
  if (answer.response.status !== status) throw new Error(`Expected was ${status}, not ${answer.response.status}.`);
  return answer.error?.errors[0]?.error;
}

function claim(holds: boolean, what: string): void {
  if (!holds) throw new Error(`It is not true that ${what}.`);
  process.stdout.write(`${what}\n`);
}

async function become(id: string, status: Schemas["FlowStatus"]): Promise<Flow> {
  const deadline = Date.now() + 30_000;
  while (Date.now() < deadline) {
    const { data: flow } = given(await client.GET("/flows/{id}", { params: { path: { id } } }));
    if (flow.status === status) return flow;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`The flow did not become ${status} within 30 seconds.`);
}

const { data: stored } = given(await client.POST("/flows", { body: example }));
if (Array.isArray(stored)) throw new Error("One flow was sent, several came back.");
const { id } = stored;
const params = { path: { id } };
claim(stored.status === "inactive" && stored.revision === 1, "the example flow is stored");

const { data: started } = given(await client.POST("/flows/{id}/start", { params }));
claim(started.status === "starting", "a started flow is starting");
const active = await become(id, "active");
claim(active.lastError === null && active.startedBy !== null, "it becomes active");

const early = await client.PATCH("/flows/{id}", { params, body: { name: "Too early" } });
claim(refused(early, 409) === "FLOW_NOT_INACTIVE", "an active flow cannot be edited");
const tooEarly = await client.DELETE("/flows/{id}", { params });
claim(refused(tooEarly, 409) === "FLOW_NOT_INACTIVE", "an active flow cannot be deleted");

const { data: stopped } = given(await client.POST("/flows/{id}/stop", { params }));
claim(stopped.status === "stopping", "a stopped flow is stopping");
const inactive = await become(id, "inactive");
claim(inactive.lastError === null, "it becomes inactive");

const { data: edited } = given(await client.PATCH("/flows/{id}", { params, body: { name: "A better name" } }));
claim(edited.name === "A better name" && edited.revision === 2, "an inactive flow can be edited");

const found = given(
  await client.GET("/flows", { params: { query: { "page[size]": "100", search: "better", sort: "-createdAt" } } }),
);
const ids = found.data.map((flow) => flow.id);
claim(ids.includes(id), "it is listed");
claim(found.meta.page === 1 && found.meta.perPage === 100 && found.meta.total >= 1, "the list says where it stands");

const { msg } = given(await client.DELETE("/flows/{id}", { params }));
claim(msg.includes("deleted"), "an inactive flow can be deleted");
const gone = await client.GET("/flows/{id}", { params });
claim(refused(gone, 404) === "FLOW_NOT_FOUND", "a deleted flow is gone");
