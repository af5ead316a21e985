/** Literal text, or the source of an expression between {{ and }}. */
export interface Part {
  readonly kind: "text" | "expression";
  readonly text: string;
}

/** The parts of a template string, or nothing if a {{ has no }}. */
export function partsOf(template: string): Part[] | undefined {
  const parts: Part[] = [];
  let from = 0;
  for (;;) {
    const open = template.indexOf("{{", from);
    if (open === -1) break;
    const close = endOfExpression(template, open + 2);
    if (close === undefined) return undefined;
    if (open > from) parts.push({ kind: "text", text: template.slice(from, open) });
    parts.push({ kind: "expression", text: template.slice(open + 2, close) });
    from = close + 2;
  }
  if (from < template.length) parts.push({ kind: "text", text: template.slice(from) });
  return parts;
}

const closers: Readonly<Record<string, string>> = { "{": "}", "[": "]", "(": ")" };

/** Where the }} stands that belongs to no string, name, comment, regular expression or object of the expression. */
function endOfExpression(text: string, start: number): number | undefined {
  const open: string[] = [];
  let before = "";
  for (let at = start; at < text.length; at += 1) {
    const sign = text[at]!;
    if (sign === "}" && open.length === 0 && text[at + 1] === "}") return at;
    if (/\s/.test(sign)) continue;
    const end = endOfLiteral(text, at, before);
    if (end === undefined) return undefined;
    if (end > at) at = end;
    else if (closers[sign] !== undefined) open.push(closers[sign]);
    else if (sign === open.at(-1)) open.pop();
    before = text.slice(Math.max(start, at - 3), at + 1);
  }
  return undefined;
}

/** The index of the last character of the literal or comment that begins here; the same index if none does. */
function endOfLiteral(text: string, at: number, before: string): number | undefined {
  const sign = text[at]!;
  if (sign === '"' || sign === "'") return endOfString(text, at, sign);
  if (sign === "`") return found(text.indexOf("`", at + 1));
  if (sign === "/" && text[at + 1] === "*") return found(text.indexOf("*/", at + 2), 1);
  if (sign === "/" && startsValue(before)) return endOfRegex(text, at);
  return at;
}

const found = (index: number, extra = 0) => (index === -1 ? undefined : index + extra);

/** A slash divides after a value, and opens a regular expression where a value is expected. */
const startsValue = (before: string) => before === "" || /(?:[(,=:[{?&|<>+\-*;~!.%/]|\b(?:and|or|in))$/.test(before);

function endOfString(text: string, at: number, quote: string): number | undefined {
  for (let index = at + 1; index < text.length; index += 1) {
    if (text[index] === "\\") index += 1;
    else if (text[index] === quote) return index;
  }
  return undefined;
}

function endOfRegex(text: string, at: number): number | undefined {
  let depth = 0;
  for (let index = at + 1; index < text.length; index += 1) {
    const sign = text[index]!;
    if (sign === "\\") index += 1;
    else if ("([{".includes(sign)) depth += 1;
    else if (")]}".includes(sign)) depth -= 1;
    else if (sign === "/" && depth === 0) return index;
  }
  return undefined;
}
