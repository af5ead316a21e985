import type { Stage } from "../apis/interceptors.ts";
import { ConnectorError } from "../connectors/fault.ts";
import { headersOf } from "../connectors/headers.ts";
import { asText } from "../platform/text.ts";
import type { Call } from "./call.ts";
import { InterceptorFault } from "./refusal.ts";
import { rendered } from "./see.ts";

/** Something that its author wrote, made ready: what has no expressions is there at once. */
export type Maker<T> = (call: Call, stage: Stage) => T | Promise<T>;

const holdsExpression = (value: unknown): boolean => JSON.stringify(value ?? null).includes("{{");

function makerOf<T>(written: unknown, made: (value: unknown) => T): Maker<T> {
  if (holdsExpression(written)) return async (call, stage) => made(await rendered(written, call, stage));
  const value = made(written);
  return () => value;
}

type Pairs<T> = readonly (readonly [name: string, value: T])[];

const present = (values: unknown): Pairs<unknown> =>
  Object.entries(values as Record<string, unknown>).filter(([, value]) => value !== undefined && value !== null);

/** Values by name, without those that came to nothing. */
export const valuesMaker = (written: Readonly<Record<string, string>>): Maker<Pairs<unknown>> =>
  makerOf(written, present);

/** Headers, without those that came to nothing. Throws InterceptorFault for a value that no header may have. */
export const headersMaker = (written: Readonly<Record<string, string>>): Maker<Pairs<string>> =>
  makerOf(written, (values) => {
    const headers = present(values).map(([name, value]): [string, string] => [name, asText(value)]);
    demandHeaders(Object.fromEntries(headers));
    return headers;
  });

function demandHeaders(headers: Readonly<Record<string, string>>): void {
  try {
    headersOf(headers);
  } catch (error) {
    // Its words name the header, and never its value.
    throw error instanceof ConnectorError ? new InterceptorFault(error.message) : error;
  }
}

/** A body: a text as it is, all else as JSON. */
export interface WrittenBody {
  readonly text: string;
  readonly type: "text/plain; charset=utf-8" | "application/json";
}

/** A body that its author wrote; undefined if there is none. */
export const bodyMaker = (written: unknown): Maker<WrittenBody | undefined> =>
  makerOf(written, (value) => {
    if (value === undefined) return undefined;
    return typeof value === "string"
      ? { text: value, type: "text/plain; charset=utf-8" }
      : { text: JSON.stringify(value), type: "application/json" };
  });
