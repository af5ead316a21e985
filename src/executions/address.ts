import type { Made } from "../expressions/template.ts";
import { asText } from "../platform/text.ts";

import { scriptFault } from "./work.ts";

/** `.` and `..` as a URL reads them. */
const DOTS = /^(?:\.|%2e){1,2}$/i;

/**
 * The address of an exchange. What was entered must not say where a call goes that is authorised: a result within a
 * longer text is one piece of it. A url that is one whole expression is its author's own.
 */
export function addressOf(parts: readonly Made[], place: string): string {
  const [only] = parts;
  if (parts.length === 1 && only?.kind === "result") return asText(only.value);
  let segment = { text: "", holds: false };
  let isPath = true;
  const check = () => {
    // A URL is read without the spaces at its ends, and without tabs and the ends of lines.
    const read = segment.text.replaceAll(/[\0-\x20]/g, "");
    if (!isPath || !segment.holds || !DOTS.test(read)) return;
    throw scriptFault("URL_SEGMENT_INVALID", `A result in the url at ${place} is . or .., which leads elsewhere.`);
  };
  const whole = parts.map((part) => {
    if (part.kind === "result") {
      const text = encodeURIComponent(asText(part.value).toWellFormed());
      segment = { text: segment.text + text, holds: true };
      return text;
    }
    for (const sign of part.text) {
      if (/[/\\?#]/.test(sign)) {
        check();
        segment = { text: "", holds: false };
        isPath &&= sign !== "?" && sign !== "#";
      } else segment.text += sign;
    }
    return part.text;
  });
  check();
  return whole.join("");
}
