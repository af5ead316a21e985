import { z } from "zod";

import type { Message } from "../model.ts";
import { StepFault, type StepAnswer } from "../steps.ts";

const bodies = {
  metadata: z.record(z.string(), z.unknown()).optional(),
  attachments: z.unknown().optional(),
  passthrough: z.record(z.string(), z.unknown()).optional(),
};
const One = z.object({ data: z.unknown(), ...bodies });

const Part = z.object({
  data: z.unknown().optional(),
  ...bodies,
  messages: z.array(One).optional(),
  snapshot: z.unknown().optional(),
  error: z.union([z.string().transform((message) => ({ name: undefined, message })), named()]).nullish(),
  rebound: z.boolean().optional(),
});
type Part = z.infer<typeof Part>;

function named() {
  return z.object({ name: z.string().optional(), message: z.string() });
}

const Parts = z.union([z.array(Part), Part.transform((part) => [part])]);

export interface RemoteAnswer {
  readonly answer: StepAnswer;
  /** What the step is to remember; absent if nothing was said. */
  readonly snapshot?: unknown;
}

const FORM =
  "Expected is JSON: {data}, {messages: [{data}]}, {snapshot}, {error: {message}}, {rebound: true}, or a list of these.";
/** More than is kept in the end: a secret must not be cut in two before it is masked. */
const MOST_TOLD = 4000;

/** What an answer of a component means. What it leaves out of a message stays as it came in. */
export function readAnswer(text: string, came: Message): RemoteAnswer {
  if (text.trim() === "") return { answer: { kind: "sent", messages: [] } };
  const parts = partsIn(text);
  const failed = parts.find(({ error }) => error !== undefined && error !== null)?.error;
  if (failed) {
    const told = failed.name === undefined ? failed.message : `${failed.name}: ${failed.message}`;
    throw new StepFault("COMPONENT_ERROR", told.slice(0, MOST_TOLD));
  }
  if (parts.some(({ rebound }) => rebound === true)) return { answer: { kind: "rebound" } };
  const messages = parts.flatMap((part) => [
    ...("data" in part ? [madeOf(part, came)] : []),
    ...(part.messages ?? []).map((one) => madeOf(one, came)),
  ]);
  const last = parts.findLast(({ snapshot }) => snapshot !== undefined);
  return { answer: { kind: "sent", messages }, ...(last === undefined ? {} : { snapshot: last.snapshot }) };
}

function partsIn(text: string): Part[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new StepFault("COMPONENT_ANSWER_INVALID", `The component answered no JSON. ${FORM}`);
  }
  const parsed = Parts.safeParse(value);
  if (!parsed.success) throw new StepFault("COMPONENT_ANSWER_INVALID", `The answer of the component is none. ${FORM}`);
  return parsed.data;
}

function madeOf({ data, metadata, attachments, passthrough }: z.infer<typeof One> | Part, came: Message): Message {
  return {
    ...came,
    data,
    ...(metadata === undefined ? {} : { metadata }),
    ...(attachments === undefined ? {} : { attachments }),
    ...(passthrough === undefined ? {} : { passthrough }),
  };
}
