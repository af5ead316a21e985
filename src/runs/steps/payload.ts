import { compile, isTrue } from "../../expressions/evaluate.ts";
import { render } from "../../expressions/template.ts";
import { limits } from "../model.ts";
import { StepFault, type Step } from "../steps.ts";
import { asText } from "../../platform/text.ts";
import { asNumber, fieldsIn, withResult } from "./fields.ts";

/** Triggers and steps without a component: what comes in goes on. */
export const pass: Step = ({ message }) => Promise.resolve({ kind: "sent", messages: [message] });

export const transform: Step = async ({ step, message, bindings }) => {
  const { expression, into } = fieldsIn("transform", step);
  const result = await compile(expression).evaluate(message, bindings);
  return { kind: "sent", messages: [withResult(message, result, into)] };
};

export const filter: Step = async ({ step, message, bindings }) => {
  const { condition } = fieldsIn("filter", step);
  const met = isTrue(await compile(condition).evaluate(message, bindings));
  return met ? { kind: "sent", messages: [message] } : { kind: "filtered" };
};

export const choose: Step = ({ message }) => Promise.resolve({ kind: "sent", messages: [message], takesFirst: true });

export const split: Step = async ({ step, message, bindings }) => {
  const { items } = fieldsIn("split", step);
  const found = await compile(items).evaluate(message, bindings);
  const list: readonly unknown[] = Array.isArray(found) ? found : found === undefined ? [] : [found];
  if (list.length > limits.items) {
    throw new StepFault("STEP_LIMIT", `A list of ${list.length} is too long: a run may have ${limits.items} messages.`);
  }
  const messages = list.map((data, index) => ({
    ...message,
    data,
    metadata: { ...message.metadata, split: { index, count: list.length } },
  }));
  return { kind: "sent", messages, opensScope: true };
};

export const aggregate: Step = async ({ step, gathered, bindings }) => {
  if (gathered === undefined) return { kind: "gathered" };
  const { partial, expression } = fieldsIn("aggregate", step);
  if (gathered.failed > 0 && !partial) {
    const some = gathered.failed === 1 ? "1 message" : `${gathered.failed} messages`;
    throw new StepFault(
      "AGGREGATE_INCOMPLETE",
      `${some} failed on the way here. With fields.partial the rest goes on.`,
    );
  }
  const message = {
    data: gathered.data,
    metadata: { aggregate: { count: gathered.data.length, failed: gathered.failed } },
  };
  if (expression === undefined) return { kind: "sent", messages: [message] };
  return {
    kind: "sent",
    messages: [withResult(message, await compile(expression).evaluate(message, bindings), undefined)],
  };
};

export const delay: Step = async ({ step, message, item, bindings, world }) => {
  if (item.memo !== null) return { kind: "sent", messages: [message] };
  const fields = fieldsIn("delay", step);
  const now = world.now();
  const until = fields.until === undefined ? undefined : timeIn(await render(fields.until, message, bindings));
  const seconds = fields.seconds === undefined ? 0 : asNumber(await render(fields.seconds, message, bindings));
  if (!(seconds >= 0)) throw new StepFault("FIELDS_INVALID", "fields.seconds: Use a number of seconds, 0 or more.");
  const at = until ?? now + seconds * 1000;
  if (at > now + MOST_DELAY_MS) throw new StepFault("DELAY_TOO_LONG", "A step may wait for at most 30 days.");
  return at <= now ? { kind: "sent", messages: [message] } : { kind: "waits", until: at, memo: "waited" };
};

const MOST_DELAY_MS = 30 * 24 * 3600_000;

function timeIn(value: unknown): number {
  const time = typeof value === "number" ? value : Date.parse(asText(value));
  if (Number.isNaN(time)) throw new StepFault("FIELDS_INVALID", "fields.until: Use a time in ISO 8601.");
  return time;
}
