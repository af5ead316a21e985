import { hexOf } from "../../platform/ids.ts";

const DIGITS_OF_TIME = 12;

/** Begins with the time, so that traces stand in their order. */
export function traceId(now: number): string {
  return `${boundOf(now)}${hexOf(crypto.getRandomValues(new Uint8Array(8)))}`;
}

/** Comes before the ids of a time, and behind those of any time before. */
export const boundOf = (at: number): string =>
  `trace_${Math.max(0, Math.floor(at)).toString(16).padStart(DIGITS_OF_TIME, "0")}`;

export const traceIdPattern = /^trace_[0-9a-f]{28}$/;

/** Milliseconds since 1970 of the trace. */
export const timeIn = (id: string): number => Number.parseInt(id.slice(6, 6 + DIGITS_OF_TIME), 16);
