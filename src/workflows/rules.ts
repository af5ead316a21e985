import type { Field, Fields } from "./fields.ts";
import { costOf, meets } from "../expressions/pattern.ts";

/** A file that was uploaded before, as the server knows it. */
export interface FileDescriptor {
  readonly uuid: string;
  readonly fileName: string;
  readonly mimeType: string;
  readonly size: number;
  readonly expiredOn?: string | undefined;
}
/** The files that a payload may refer to, by uuid: those of the execution that have not expired. */
export type FilesKnown = ReadonlyMap<string, FileDescriptor> | Readonly<Record<string, FileDescriptor>>;

export interface FieldError {
  /** Dotted: `address.city`. */
  readonly field: string;
  readonly message: string;
}
export type Applied =
  | { readonly ok: true; readonly value: Record<string, unknown> }
  | { readonly ok: false; readonly errors: FieldError[] };

/** Steps of RE2 for all patterns of one payload; whoever holds several against fields gives them together. */
export const MOST_STEPS = 10_000_000;
export interface Steps {
  steps: number;
}
const MOST_LISTED = 200;

/** What one payload is held against, and what its patterns may still cost. */
interface Pass {
  readonly files: FilesKnown;
  readonly errors: FieldError[];
  readonly left: Steps;
}

/**
 * Holds a payload against its fields. All that fails is told, in the order of the fields. Numbers and truth values that
 * come as texts are converted and files become what the server knows of them; all else, fields not listed too, is kept.
 */
export function applyFields(
  fields: Fields,
  payload: unknown,
  files: FilesKnown = new Map(),
  left: Steps = { steps: MOST_STEPS },
): Applied {
  const pass: Pass = { files, errors: [], left };
  const value = appliedObject(pass, fields, isObject(payload) ? payload : {}, "");
  return pass.errors.length === 0 ? { ok: true, value } : { ok: false, errors: pass.errors };
}

function appliedObject(pass: Pass, fields: Fields, given: object, prefix: string): Record<string, unknown> {
  const entries = new Map<string, unknown>(Object.entries(given));
  for (const [name, field] of Object.entries(fields)) {
    const value = entries.get(name);
    const path = `${prefix}${name}`;
    if (!isEmpty(value)) entries.set(name, appliedField(pass, field, value, path));
    else if (field.optional !== true) pass.errors.push({ field: path, message: "Required" });
  }
  // fromEntries defines keys, so that `__proto__` stays a key like any other.
  return Object.fromEntries(entries);
}

function appliedField(pass: Pass, field: Field, value: unknown, path: string): unknown {
  if (field.rule === "nested") {
    if (isObject(value)) return appliedObject(pass, field.fields, value, `${path}.`);
    pass.errors.push({ field: path, message: "Must be an object" });
    return value;
  }
  const { messages, value: result } = applied(pass, field, value);
  for (const message of messages) pass.errors.push({ field: path, message });
  return result;
}

interface Result {
  readonly messages: readonly string[];
  readonly value?: unknown;
}
type Leaf = Exclude<Field, { rule: "nested" }>;
type FieldOf<K extends Leaf["rule"]> = Extract<Leaf, { rule: K }>;

const refused = (message: string): Result => ({ messages: [message] });
/** The value, with what is said where a condition fails. */
const held = (value: unknown, ...rules: readonly [fails: boolean, message: string][]): Result => ({
  value,
  messages: rules.filter(([fails]) => fails).map(([, message]) => message),
});

function applied(pass: Pass, field: Leaf, value: unknown): Result {
  switch (field.rule) {
    case "string":
      return text(field, value);
    case "number":
      return number(field, value);
    case "truefalse":
      return truth(value);
    case "values":
      return choice(field, value);
    case "regex":
      return patterned(pass, field, value);
    default:
      return file(pass, field, value);
  }
}

function text({ min = 0, max = Infinity }: FieldOf<"string">, value: unknown): Result {
  if (typeof value !== "string") return refused("Must be a text");
  const length = codePoints(value);
  return held(
    value,
    [length < min, `Must have at least ${characters(min)}`],
    [length > max, `Must have at most ${characters(max)}`],
  );
}

function number({ min = -Infinity, max = Infinity, integer }: FieldOf<"number">, given: unknown): Result {
  const value = typeof given === "string" && NUMERIC.test(given.trim()) ? Number(given) : given;
  if (typeof value !== "number" || !Number.isFinite(value)) return refused("Must be a number");
  return held(
    value,
    [integer === true && !Number.isInteger(value), "Must be a whole number"],
    [value < min, `Must be at least ${min}`],
    [value > max, `Must be at most ${max}`],
  );
}

function truth(value: unknown): Result {
  if (value === true || value === "true") return held(true);
  if (value === false || value === "false") return held(false);
  return refused("Must be true or false");
}

const choice = ({ values }: FieldOf<"values">, value: unknown): Result =>
  held(value, [!values.some((one) => one === value), `Must be one of: ${listed(values)}`]);

function patterned(pass: Pass, { pattern, message }: FieldOf<"regex">, value: unknown): Result {
  if (typeof value !== "string") return refused("Must be a text");
  pass.left.steps -= costOf(pattern, value);
  if (pass.left.steps < 0) return refused("Is too long");
  return held(value, [!meets(pattern, value), message ?? "Has the wrong form"]);
}

function file({ files }: Pass, { mime }: FieldOf<"file">, value: unknown): Result {
  const uuid = isObject(value) && Object.hasOwn(value, "uuid") ? (value as { uuid: unknown }).uuid : value;
  const known = typeof uuid === "string" ? knownFile(files, uuid) : undefined;
  if (known === undefined) return refused("Must be an uploaded file");
  const fits = mime === undefined || mime.some((pattern) => isOfType(known.mimeType, pattern));
  return held(known, [!fits, `Must be a file of type ${listed(mime ?? [])}`]);
}

function knownFile(files: FilesKnown, uuid: string): FileDescriptor | undefined {
  if (isMap(files)) return files.get(uuid);
  return Object.hasOwn(files, uuid) ? files[uuid] : undefined;
}

const isMap = (files: FilesKnown): files is ReadonlyMap<string, FileDescriptor> => files instanceof Map;

/** `image/*` and `image/png` both take `Image/PNG; name=x`. */
function isOfType(mimeType: string, pattern: string): boolean {
  const type = mimeType.split(";", 1)[0]!.trim().toLowerCase();
  const wanted = pattern.toLowerCase();
  return wanted.endsWith("/*") ? type.startsWith(wanted.slice(0, -1)) : type === wanted;
}

const NUMERIC = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;

/** Missing, null, or a text of nothing but spaces. */
const isEmpty = (value: unknown): boolean =>
  value === undefined || value === null || (typeof value === "string" && value.trim() === "");

const isObject = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const codePoints = (value: string): number =>
  value.length - (value.match(/[\uD800-\uDBFF][\uDC00-\uDFFF]/g)?.length ?? 0);

const characters = (count: number): string => `${count} character${count === 1 ? "" : "s"}`;

function listed(values: readonly unknown[]): string {
  let list = "";
  for (const value of values) {
    const next = `${list === "" ? "" : ", "}${String(value)}`;
    if (list.length + next.length > MOST_LISTED) return list === "" ? `${next.slice(0, MOST_LISTED)}…` : `${list}, …`;
    list += next;
  }
  return list;
}
