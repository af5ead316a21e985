import { ofCaller } from "../apis/address-check.ts";
import type { Stage } from "../apis/interceptors.ts";
import { partsOf } from "../expressions/scan.ts";
import { type Made, renderParts } from "../expressions/template.ts";
import { asText } from "../platform/text.ts";
import type { Call } from "./call.ts";
import { InterceptorFault } from "./refusal.ts";
import { seen } from "./see.ts";

/** Behind the host something else has begun. */
const hostIsThere = /^https?:\/\/[^/?#\\\s]+[/?\\]/i;
const whole = /^https?:\/\/[^/?#\\\s]+[^#\s]*$/i;

/**
 * An address that interceptors call, made ready. What expressions give is encoded, so that nothing a client sends says
 * where the call goes; only with `takesCaller` the address may begin with a field of the app or the token as it is.
 * Throws InterceptorFault if something is missing in its path.
 */
export function addressMaker(
  text: string,
  { takesCaller = false }: { readonly takesCaller?: boolean } = {},
): (call: Call, stage: Stage) => string | Promise<string> {
  const parts = partsOf(text) ?? [];
  if (parts.every(({ kind }) => kind === "text")) return () => text;
  const first = parts[0]!;
  const begins = first.kind === "expression";
  if (begins && !(takesCaller && ofCaller.test(first.text))) {
    throw new InterceptorFault("The address begins with an expression that may not say where a call goes.");
  }
  return async (call, stage) => {
    const made = await renderParts(text, seen(call, stage));
    return encodedAddress(begins ? [{ kind: "text", text: given(made[0]!) }, ...made.slice(1)] : made);
  };
}

function given(made: Made): string {
  const value = made.kind === "result" ? made.value : undefined;
  if ((value ?? "") === "") throw new InterceptorFault("The field that holds the address is missing or empty.");
  if (typeof value === "string" && whole.test(value)) return value;
  throw new InterceptorFault("The field that holds the address holds none of http or https.");
}

/** Writes results into an address, each of them one piece of it. */
export function encodedAddress(parts: readonly Made[]): string {
  let address = "";
  const results: number[] = [];
  for (const part of parts) {
    if (part.kind === "text") address += part.text;
    else {
      if (results.length === 0 && !hostIsThere.test(address)) {
        throw new InterceptorFault("An expression stands in the host of the address.");
      }
      if (!/[?#]/.test(address)) {
        if ((part.value ?? null) === null) throw new InterceptorFault("A value in the path of the address is missing.");
        results.push(address.length);
      }
      address += encodeURIComponent(asText(part.value ?? "").toWellFormed());
    }
  }
  const path = address.split(/[?#]/, 1)[0]!;
  for (const at of results) demandSegment(path, at);
  return address;
}

/** A URL is read without tabs and the ends of lines; `.` and `..` lead elsewhere, and so may a segment that is empty. */
function demandSegment(path: string, at: number): void {
  const before = path.slice(0, at).split(/[/\\]/).at(-1)!;
  const segment = before + path.slice(at).split(/[/\\]/, 1)[0]!;
  if (!/^(?:\.|%2e){0,2}$/i.test(segment.replaceAll(/[\0-\x20]/g, ""))) return;
  throw new InterceptorFault("A value makes a segment of the path empty, or . or .., which leads elsewhere.");
}
