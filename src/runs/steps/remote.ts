import type { MappedComponent } from "../../components/model.ts";
import { refusalOfEndpoint } from "../../components/place.ts";
import { callHttp, ConnectorError, type ConnectorCode, type HttpAnswer } from "../../connectors/call.ts";
import { mayPass, retryAfterOf } from "../../connectors/retry.ts";
import { DEPTH_HEADER, limits } from "../model.ts";
import { StepFault, type Step, type StepCall, type World } from "../steps.ts";
import { readAnswer } from "./remote-answer.ts";

const DEFAULT_SECONDS = 30;
const MOST_SECONDS = 300;

/** Has a component of others do the work: one that an admin mapped to an endpoint or a service binding. */
export const remote: Step = async (call) => {
  const { step, message, world } = call;
  const component = await world.component(step.component);
  if (component === undefined) {
    const told = `Nothing is known of the component ${step.component}. An admin maps it with PUT /components/{id}.`;
    throw new StepFault("COMPONENT_UNKNOWN", told);
  }
  const answer = await asked(call, component, await stepMessage(call, component));
  if (answer.status < 200 || answer.status > 299) throw refusal(answer, component, world);
  const { answer: read, ...kept } = readAnswer(answer.text, message);
  if (read.kind !== "sent" || !("snapshot" in kept)) return read;
  return { ...read, keep: () => world.snapshot.put(step.id, kept.snapshot) };
};

/** The same for each try of one message at one step, so that a component can know it again. */
const keyOf = ({ facts, item }: StepCall): string => `${facts.id}/${encodeURIComponent(item.step)}/${item.id}`;

/** What the Open Integration Hub hands to a component, as one JSON object. */
async function stepMessage(call: StepCall, component: MappedComponent): Promise<string> {
  const { step, message, facts, item, world } = call;
  const { data, metadata = {}, attachments = {}, passthrough = {}, ...request } = message;
  const { headers, method, query, params, url, originalUrl, pathSuffix } = request;
  const secret = component.secret && step.secret !== undefined ? await world.secret(step.secret) : undefined;
  return JSON.stringify({
    id: keyOf(call),
    flowId: facts.flowId,
    runId: facts.id,
    stepId: step.id,
    function: step.function ?? null,
    data,
    metadata,
    attachments,
    passthrough,
    headers,
    method,
    query,
    params,
    url,
    originalUrl,
    pathSuffix,
    config: { ...step.fields, ...secret?.value, nodeSettings: step.settings },
    snapshot: await world.snapshot.get(step.id),
    tenant: facts.tenant,
    attempt: item.attempts + 1,
  });
}

async function asked(call: StepCall, component: MappedComponent, body: string): Promise<HttpAnswer> {
  const { world, facts, step } = call;
  const seconds = secondsOf(step.settings["timeout"]);
  try {
    return await callHttp({
      method: "POST",
      ...wayTo(component, world),
      headers: {
        "content-type": "application/json",
        accept: "application/json",
        "user-agent": "flow-repository",
        "idempotency-key": keyOf(call),
        "x-flow-id": facts.flowId,
        [DEPTH_HEADER]: `${facts.depth + 1}`,
      },
      body,
      timeoutMs: seconds * 1000,
      mostBytes: limits.messageBytes,
    });
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error;
    throw new StepFault(`COMPONENT_${error.code}`, `${named(component)} ${words(error.code, seconds)}`, {
      mayPass: error.mayPass,
    });
  }
}

const secondsOf = (timeout: unknown): number =>
  typeof timeout === "number" && timeout > 0 ? Math.min(timeout, MOST_SECONDS) : DEFAULT_SECONDS;

/** Where the component is. The name of a host that is reached by a binding leads nowhere else. */
function wayTo({ endpoint, binding, name }: MappedComponent, world: World) {
  if (endpoint !== null) {
    // The settings may be others than when it was mapped.
    const refused = refusalOfEndpoint(endpoint, world.config);
    if (refused !== undefined) throw new ConnectorError("ADDRESS_REFUSED", refused);
    const allowPrivate = world.config.HTTP_ALLOW_PRIVATE === "true";
    return { url: endpoint, allowPrivate, fetch: withoutRedirects(world.fetch) };
  }
  const service = world.service(binding ?? "");
  if (service === undefined) {
    throw new StepFault("COMPONENT_UNBOUND", `The Worker has no service binding for the component ${name}.`);
  }
  const bound: typeof fetch = (input, init) => service.fetch(input, init);
  return { url: "https://component/", allowPrivate: true, fetch: withoutRedirects(bound) };
}

/** A message may hold a secret, and goes nowhere but where the admin said. */
const withoutRedirects =
  (by: typeof fetch): typeof fetch =>
  async (input, init) => {
    const answer = await by(input, init);
    if (answer.status < 300 || answer.status > 399) return answer;
    await answer.body?.cancel();
    throw new ConnectorError("ADDRESS_REFUSED", "The endpoint redirects.");
  };

const named = ({ name }: MappedComponent): string => `The component ${name}`;

/** The connector's own words name the endpoint, which is for admins alone. */
function words(code: ConnectorCode, seconds: number): string {
  switch (code) {
    case "TIMEOUT":
      return `did not answer in full within ${seconds} seconds.`;
    case "NETWORK":
      return "could not be reached, or its answer broke off.";
    case "ANSWER_TOO_LARGE":
      return `answered more than ${limits.messageBytes} bytes.`;
    case "ADDRESS_REFUSED":
    case "TOO_MANY_REDIRECTS":
      return "is at an address that is not called, or that redirects. An admin maps it to another one.";
    case "REQUEST_INVALID":
      return "cannot be called as it is mapped. An admin maps it anew.";
    default:
      return code satisfies never;
  }
}

/** What it answered is not repeated: it may be the request, with the secret in it. */
const refusal = ({ status, headers }: HttpAnswer, component: MappedComponent, world: World): StepFault =>
  new StepFault("COMPONENT_STATUS", `${named(component)} answered ${status}.`, {
    mayPass: mayPass(status),
    waitMs: retryAfterOf(headers["retry-after"], world.now()),
  });
