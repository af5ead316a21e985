import { ExpressionError } from "./error.ts";
import { LIMITS } from "./guard.ts";

/** Refuses long pictures: formatting takes time and space with them. */
export function checkPicture(text: unknown): void {
  if (typeof text !== "string" || text.length <= LIMITS.picture) return;
  throw new ExpressionError("EXPRESSION_TOO_LARGE", `A picture is longer than ${LIMITS.picture} characters.`);
}

/**
 * Refuses pictures whose widths would fill memory. For parsing, jsonata makes a regular expression of the picture that
 * backtracks: only what has one way to match is allowed there.
 */
export function checkTimePicture(picture: unknown, use: "format" | "parse" = "format"): void {
  checkPicture(picture);
  if (typeof picture !== "string") return;
  const markers = [...picture.replaceAll("[[", "  ").matchAll(/\[([^\]]*)\]/g)];
  let before: Marker | undefined;
  for (const found of markers) {
    const marker = markerOf(found[1]!.replace(/\s+/g, ""), found.index, found[0].length);
    if (use === "parse") checkParses(picture, before, marker);
    before = marker;
  }
}

interface Marker {
  readonly kind: "number" | "name" | "other";
  readonly fixed: boolean;
  readonly start: number;
  readonly end: number;
}

function markerOf(text: string, start: number, length: number): Marker {
  const comma = text.lastIndexOf(",");
  const width = comma === -1 ? "" : text.slice(comma + 1);
  if (!/^(?:(?:\*|\d{1,2})(?:-(?:\*|\d{1,2}))?)?$/.test(width)) refuse("a width of more than two digits");
  const form = comma === -1 ? text.slice(1) : text.slice(1, comma);
  const position = { start, end: start + length };
  if (/^[zZ](?:[01]{1,4}|[01]{2}:[01]{2})?t?$/.test(text)) return { kind: "other", fixed: false, ...position };
  const named = /^(?:N|n|Nn)$/.test(form) || (form === "" && /^[FP]/.test(text));
  if (named) return { kind: "name", fixed: false, ...position };
  if (/^\d{0,9}$/.test(form)) return { kind: "number", fixed: /^\d{2,}$/.test(form), ...position };
  return { kind: "other", fixed: false, ...position };
}

function checkParses(picture: string, before: Marker | undefined, marker: Marker): void {
  const text = picture.slice(marker.start, marker.end).replace(/\s+/g, "");
  if (marker.kind === "other" && !/^\[[zZ]/.test(text)) refuse("numbers that are not written in digits");
  if (before === undefined || before.kind !== marker.kind || before.kind === "other") return;
  const between = picture.slice(before.end, marker.start);
  if ((marker.kind === "number" ? /[^0-9]/ : /[^A-Za-z]/).test(between)) return;
  if (between === "" && before.fixed && marker.fixed) return;
  refuse("parts without a sign between them that tells where one ends");
}

function refuse(what: string): never {
  throw new ExpressionError("EXPRESSION_FAILED", `A picture of a date has ${what}, which is not available.`);
}
