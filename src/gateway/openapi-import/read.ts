import { type Fault, fault } from "../../platform/faults.ts";
import { parseYaml, type Reason } from "./yaml.ts";

export type Read = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly fault: Fault };

/** Objects and lists in each other. A document of many schemas has some 30. */
const MOST_DEPTH = 100;

/** The value of a text in JSON, if it begins as an object or a list does, or else in YAML. */
export function readDocument(text: string, mostBytes: number): Read {
  if (isLonger(text, mostBytes)) return refused("TOO_LARGE", `The document has more than ${mostBytes} bytes.`);
  const plain = text.replace(/^\uFEFF/, "");
  return /^\s*[{[]/.test(plain) ? readJson(plain) : readYaml(plain);
}

function readJson(text: string): Read {
  if (isDeeper(text, MOST_DEPTH)) return refused(...deep);
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch (error) {
    const [, line, column] = /\(line (\d+) column (\d+)\)/.exec(String(error)) ?? [];
    const place = line === undefined ? "" : ` after line ${line}, column ${column}`;
    return refused("JSON_INVALID", `The document begins as JSON, but it is none${place}.`);
  }
}

function readYaml(text: string): Read {
  const parsed = parseYaml(text, MOST_DEPTH);
  if (parsed.ok) return parsed;
  const [code, message] = reasons[parsed.reason];
  return refused(code, parsed.line === undefined ? message : `${message} See line ${parsed.line}.`);
}

const refused = (code: string, message: string): Read => ({ ok: false, fault: fault(code, [], message) });
const deep = ["TOO_DEEP", `Objects and lists may be ${MOST_DEPTH} deep in each other.`] as const;

const reasons: Readonly<Record<Reason, readonly [code: string, message: string]>> = {
  depth: deep,
  tokens: ["TOO_LARGE", "The document has too many parts for YAML. Send it as JSON."],
  alias: ["YAML_ALIAS", "Aliases are not taken. Write out what each stands for, or send JSON."],
  documents: ["YAML_INVALID", "The text holds more than one document. Send one."],
  key: ["YAML_INVALID", "A key is twice in one object. Leave one of them out."],
  syntax: ["YAML_INVALID", "The document is neither JSON nor YAML."],
};

const isLonger = (text: string, bytes: number): boolean =>
  text.length > bytes || new TextEncoder().encode(text).byteLength > bytes;

function isDeeper(json: string, most: number): boolean {
  let depth = 0;
  let inText = false;
  for (let at = 0; at < json.length; at += 1) {
    const character = json[at];
    if (character === '"') inText = !inText;
    else if (inText) at += character === "\\" ? 1 : 0;
    else if (character === "{" || character === "[") depth += 1;
    else if (character === "}" || character === "]") depth -= 1;
    if (depth > most) return true;
  }
  return false;
}
