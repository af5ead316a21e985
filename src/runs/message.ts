import { limits, type Message } from "./model.ts";
import { StepFault } from "./steps.ts";

/** A message as it is kept; one that is too large is refused here, where its maker can be named. */
export function textOf(message: Message): string {
  if (isDeeper(message, limits.levels)) {
    throw new StepFault("MESSAGE_TOO_DEEP", `A message may be nested at most ${limits.levels} levels deep.`);
  }
  const text = JSON.stringify(message);
  const bytes = bytesOf(text);
  if (bytes > limits.messageBytes) {
    throw new StepFault(
      "MESSAGE_TOO_LARGE",
      `A message may have at most ${limits.messageBytes} bytes; this one has ${bytes}.`,
    );
  }
  return text;
}

const isDeeper = (value: unknown, levels: number): boolean =>
  typeof value === "object" &&
  value !== null &&
  (levels === 0 || Object.values(value).some((inner) => isDeeper(inner, levels - 1)));

/** Bytes in UTF-8; of what is surely small enough, no more than that many. */
const bytesOf = (text: string): number =>
  text.length * 3 <= limits.messageBytes ? text.length : new TextEncoder().encode(text).byteLength;
