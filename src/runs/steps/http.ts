import { callHttp, type HttpAnswer } from "../../connectors/call.ts";
import { ConnectorError } from "../../connectors/fault.ts";
import { addressWith, bodyAs, payloadIn, type BodyType } from "../../connectors/request.ts";
import { mayPass, retryAfterOf } from "../../connectors/retry.ts";
import { render } from "../../expressions/template.ts";
import { authorizationOf } from "../../secrets/authorize.ts";
import { DEPTH_HEADER, limits } from "../model.ts";
import { StepFault, type Step, type StepCall } from "../steps.ts";
import { asText } from "../../platform/text.ts";
import { fieldsIn, withResult } from "./fields.ts";

/** More than is told in the end: a secret must not be cut in two before it is masked. */
const RAW = 4000;
const withBody = new Set(["POST", "PUT", "PATCH"]);

/** Calls an address. The answer's body is the result; status and headers stand in `metadata.response`. */
export const http: Step = async (call) => {
  const { step, message, world } = call;
  const fields = fieldsIn("http", step);
  const secret = step.secret === undefined ? undefined : await world.secret(step.secret);
  const bindings = secret === undefined ? call.bindings : { ...call.bindings, secret: secret.value };
  const at = (value: unknown): Promise<unknown> => render(value, message, bindings);

  const url = addressOf(asText(await at(fields.url)), await at(fields.query ?? {}));
  const headers: Record<string, string> = { ...identityOf(call, fields.method), ...authorizationOf(secret) };
  for (const [name, value] of Object.entries(recordOf(await at(fields.headers ?? {}), "headers"))) {
    if (value !== undefined && value !== null) headers[name.toLowerCase()] = asText(value);
  }
  headers[DEPTH_HEADER] = `${call.facts.depth + 1}`;
  const given =
    fields.body === undefined ? (withBody.has(fields.method) ? message.data : undefined) : await at(fields.body);
  const body =
    fields.method === "GET" || fields.method === "HEAD" ? undefined : bodyOf(given, fields.bodyType, headers);

  const answer = await sent({
    method: fields.method,
    url,
    headers,
    ...(body === undefined ? {} : { body }),
    timeoutMs: fields.timeout * 1000,
    mostBytes: limits.messageBytes,
    allowPrivate: world.config.HTTP_ALLOW_PRIVATE === "true",
    fetch: world.fetch,
    sensitive: Object.keys(authorizationOf(secret)),
  });
  const accepted =
    fields.accept === undefined ? answer.status >= 200 && answer.status < 300 : fields.accept.includes(answer.status);
  if (!accepted) {
    throw new StepFault(
      "HTTP_STATUS",
      `${fields.method} ${hostOf(url)} answered ${answer.status}. ${answer.text.slice(0, RAW)}`.trim(),
      {
        mayPass: mayPass(answer.status),
        waitMs: retryAfterOf(answer.headers["retry-after"], world.now()),
      },
    );
  }
  const { status, headers: got } = answer;
  const told = {
    ...message,
    metadata: { ...message.metadata, response: { status, headers: without(got, "set-cookie") } },
  };
  return { kind: "sent", messages: [withResult(told, payloadOf(answer), fields.into)] };
};

async function sent(request: Parameters<typeof callHttp>[0]): Promise<HttpAnswer> {
  try {
    return await callHttp(request);
  } catch (error) {
    if (error instanceof ConnectorError) {
      throw new StepFault(`HTTP_${error.code}`, error.message, { mayPass: error.mayPass });
    }
    throw error;
  }
}

/** A target that was called twice for one item can know it by its key. */
const identityOf = ({ facts, item }: StepCall, method: string): Record<string, string> => ({
  "user-agent": "flow-repository",
  accept: "application/json, */*;q=0.5",
  ...(method === "GET" || method === "HEAD"
    ? {}
    : { "idempotency-key": `${facts.id}/${encodeURIComponent(item.step)}/${item.id}` }),
});

function addressOf(text: string, query: unknown): string {
  const address = addressWith(text, recordOf(query, "query"));
  if (address !== undefined) return address;
  throw new StepFault("FIELDS_INVALID", `fields.url: ${text.slice(0, 100)} is not an address.`);
}

function bodyOf(value: unknown, type: BodyType, headers: Record<string, string>): string | undefined {
  if (value === undefined) return undefined;
  const { text, mime } = bodyAs(type === "form" ? recordOf(value, "body") : value, type)!;
  headers["content-type"] ??= mime;
  return text;
}

function payloadOf(answer: HttpAnswer): unknown {
  const payload = payloadIn(answer);
  if (payload !== undefined) return payload;
  throw new StepFault("HTTP_ANSWER_INVALID", "The answer says that it is JSON, and is not.");
}

function recordOf(value: unknown, name: string): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new StepFault("FIELDS_INVALID", `fields.${name}: Use an object.`);
}

const without = (record: Readonly<Record<string, string>>, name: string): Record<string, string> =>
  Object.fromEntries(Object.entries(record).filter(([key]) => key !== name));

const hostOf = (url: string): string => new URL(url).host;
