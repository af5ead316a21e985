import type { z } from "zod";

import { fieldsOf, type ComponentName } from "../../components/catalogue.ts";
import type { Message } from "../model.ts";
import type { PlannedStep } from "../plan.ts";
import { StepFault } from "../steps.ts";

const read = new WeakMap<PlannedStep, unknown>();

/** The fields of a step as its component wants them; read once for all messages. */
export function fieldsIn<N extends ComponentName>(name: N, step: PlannedStep): z.output<(typeof fieldsOf)[N]> {
  const known = read.get(step);
  if (known !== undefined) return known as z.output<(typeof fieldsOf)[N]>;
  const parsed = fieldsOf[name].safeParse(step.fields);
  if (!parsed.success) {
    const told = parsed.error.issues
      .slice(0, 5)
      .map(({ path, message }) => `${["fields", ...path].join(".")}: ${message}`);
    throw new StepFault("FIELDS_INVALID", told.join(" "));
  }
  read.set(step, parsed.data);
  return parsed.data as z.output<(typeof fieldsOf)[N]>;
}

/** The message with a result in it: in the place of the payload, or where a path says. */
export function withResult(message: Message, value: unknown, into: string | undefined): Message {
  const result = value === undefined ? null : value;
  return into === undefined ? { ...message, data: result } : (placed(message, into.split("."), result) as Message);
}

function placed(target: unknown, [first, ...rest]: readonly string[], value: unknown): unknown {
  if (first === undefined) return value;
  const record = typeof target === "object" && target !== null && !Array.isArray(target) ? target : {};
  const inner = Object.hasOwn(record, first) ? (record as Record<string, unknown>)[first] : undefined;
  return { ...record, [first]: placed(inner, rest, value) };
}

/** A value as a number: a number, or a text that is one; all else is none. */
export const asNumber = (value: unknown): number =>
  typeof value === "number" || (typeof value === "string" && value.trim() !== "") ? Number(value) : Number.NaN;
