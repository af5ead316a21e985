import { hexOf } from "../platform/ids.ts";

export const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** A uuid of version 7 (RFC 9562): those of later executions come later. */
export function timeUuid(now: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  new DataView(bytes.buffer).setBigUint64(
    0,
    (BigInt(now) << 16n) | BigInt(0x7000 | ((bytes[6]! & 15) << 8) | bytes[7]!),
  );
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return dashed(hexOf(bytes));
}

/** The first uuid of a time. */
export const boundOf = (at: number): string =>
  dashed(Math.max(0, Math.floor(at)).toString(16).padStart(12, "0") + "0".repeat(20));

const dashed = (hex: string): string =>
  [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
