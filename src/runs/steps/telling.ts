import { render } from "../../expressions/template.ts";
import { ALLOWED_HEADERS, isReplied } from "../hook-reply.ts";
import { textOf } from "../message.ts";
import { limits, type RunEnd } from "../model.ts";
import { StepFault, type Step } from "../steps.ts";
import { asText } from "../../platform/text.ts";
import { asNumber, fieldsIn, withResult } from "./fields.ts";

/** More than is kept in the end: a secret must not be cut in two before it is masked. */
const RAW = 12_000;

export const log: Step = async ({ step, message, bindings }, write) => {
  const fields = fieldsIn("log", step);
  const told = await render(fields.message, message, bindings);
  write({ level: fields.level, message: asText(told).slice(0, RAW) });
  return { kind: "sent", messages: [message] };
};

export const reply: Step = async ({ step, message, bindings }, write) => {
  const fields = fieldsIn("reply", step);
  const status = asNumber(await render(fields.status, message, bindings));
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    throw new StepFault("FIELDS_INVALID", "fields.status: Use a status from 200 to 599.");
  }
  const given = fields.body === undefined ? message.data : await render(fields.body, message, bindings);
  const body = given === undefined ? null : given;
  const headers = headersOf(recordOf(await render(fields.headers ?? {}, message, bindings)), status, write);
  const type = typeof body === "string" ? "text/plain; charset=utf-8" : "application/json";
  const answer = { status, headers: { "content-type": type, ...headers }, body: asText(body) };
  // It is kept like a message, and is what the run ends with.
  textOf({ data: answer });
  return { kind: "sent", messages: [message], reply: answer };
};

/** The headers that go out; the step's log names those that do not. */
function headersOf(named: Record<string, unknown>, status: number, write: Parameters<Step>[1]): Record<string, string> {
  const texts = Object.entries(named).map(([name, value]) => [name.toLowerCase(), asText(value)] as const);
  const left = texts.filter(([name, value]) => !isReplied(name, value, status)).map(([name]) => name);
  if (left.length > 0) {
    const told = left.join(", ").slice(0, RAW);
    const message = `Headers left out of the reply: ${told}. A flow may set ${ALLOWED_HEADERS}.`;
    write({ level: "warn", message });
  }
  return Object.fromEntries(texts.filter(([name, value]) => isReplied(name, value, status)));
}

const recordOf = (value: unknown): Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};

export const fail: Step = async ({ step, message, bindings }) => {
  const fields = fieldsIn("error", step);
  throw new StepFault(fields.code, asText(await render(fields.message, message, bindings)).slice(0, RAW));
};

/** How often a run looks for the end of another that did not tell it. */
const LOOK_MS = 60_000;

export const callFlow: Step = async ({ step, message, item, facts, bindings, world }) => {
  const fields = fieldsIn("flow", step);
  const noted = item.memo === null ? undefined : (JSON.parse(item.memo) as { run: string; ended?: RunEnd });
  if (noted !== undefined) {
    const ended = noted.ended ?? (await world.endOf(noted.run));
    if (ended === undefined) return { kind: "waits", until: world.now() + LOOK_MS, memo: JSON.stringify(noted) };
    if (ended.status === "failed" || ended.status === "cancelled") {
      throw new StepFault("CALLED_FLOW_FAILED", `The run ${noted.run} of the called flow ended ${ended.status}.`);
    }
    return { kind: "sent", messages: [withResult(message, ended.data, fields.into)] };
  }
  if (facts.depth >= limits.depth) {
    throw new StepFault("CALL_DEPTH", `Flows may call each other ${limits.depth} deep.`);
  }
  const flowId = asText(await render(fields.flow, message, bindings));
  const data = fields.payload === undefined ? message.data : await render(fields.payload, message, bindings);
  const sent = { data, metadata: message.metadata ?? {} };
  const run = await world.callFlow(flowId, sent, { item: item.id, waits: fields.wait, again: item.restarts > 0 });
  if (!fields.wait) return { kind: "sent", messages: [message] };
  return { kind: "waits", until: world.now() + LOOK_MS, memo: JSON.stringify({ run }) };
};
