import { callHttp, type HttpAnswer } from "../../connectors/call.ts";
import { ConnectorError } from "../../connectors/fault.ts";
import { mayPass, retryAfterOf } from "../../connectors/retry.ts";
import { render } from "../../expressions/template.ts";
import type { Secret } from "../../secrets/open.ts";
import { DEPTH_HEADER, limits } from "../model.ts";
import { StepFault, type Step, type StepCall } from "../steps.ts";
import { asText, fieldsIn, withResult } from "./fields.ts";

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
    sensitive: secret === undefined ? [] : secretHeaders(secret),
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

function authorizationOf(secret: Secret | undefined): Record<string, string> {
  const value = secret?.value;
  const text = (name: string): string | undefined => (typeof value?.[name] === "string" ? value[name] : undefined);
  switch (secret?.type) {
    case "SIMPLE":
      return {
        authorization: `Basic ${btoa(String.fromCharCode(...new TextEncoder().encode(`${text("username") ?? ""}:${text("passphrase") ?? ""}`)))}`,
      };
    case "API_KEY":
      return { [(text("headerName") ?? "x-api-key").toLowerCase()]: text("key") ?? "" };
    case "OA2_AUTHORIZATION_CODE":
      return { authorization: `Bearer ${text("accessToken") ?? ""}` };
    default:
      return {};
  }
}

const secretHeaders = (secret: Secret): string[] => Object.keys(authorizationOf(secret));

function addressOf(text: string, query: unknown): string {
  if (!URL.canParse(text)) {
    throw new StepFault("FIELDS_INVALID", `fields.url: ${text.slice(0, 100)} is not an address.`);
  }
  const url = new URL(text);
  for (const [name, value] of Object.entries(recordOf(query, "query"))) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== null) url.searchParams.append(name, asText(one));
    }
  }
  return url.href;
}

function bodyOf(value: unknown, type: "json" | "form" | "text", headers: Record<string, string>): string | undefined {
  if (value === undefined) return undefined;
  const mime = {
    json: "application/json",
    form: "application/x-www-form-urlencoded",
    text: "text/plain; charset=utf-8",
  }[type];
  headers["content-type"] ??= mime;
  if (type === "json") return JSON.stringify(value);
  if (type === "text") return typeof value === "string" ? value : JSON.stringify(value);
  const entries = Object.entries(recordOf(value, "body")).map(([name, one]) => [name, asText(one)]);
  return new URLSearchParams(entries as [string, string][]).toString();
}

function payloadOf({ text, headers }: HttpAnswer): unknown {
  if (text === "") return null;
  if (!/^application\/(?:[\w.+-]+\+)?json\b/i.test(headers["content-type"] ?? "")) return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new StepFault("HTTP_ANSWER_INVALID", "The answer says that it is JSON, and is not.");
  }
}

function recordOf(value: unknown, name: string): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new StepFault("FIELDS_INVALID", `fields.${name}: Use an object.`);
}

const without = (record: Readonly<Record<string, string>>, name: string): Record<string, string> =>
  Object.fromEntries(Object.entries(record).filter(([key]) => key !== name));

const hostOf = (url: string): string => new URL(url).host;
