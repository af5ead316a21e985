/** @import { Field } from "../workflows/fields.ts" */
/** @typedef {{ value: string | number | boolean, label: string }} Choice */

/**
 * `id_card` and `idCard` both become `Id card`.
 *
 * @param {string} name
 */
export function readable(name) {
  const words = name
    .replaceAll(/([\p{Ll}\d])(\p{Lu})/gu, "$1 $2")
    .replaceAll(/[\s_/:.-]+/g, " ")
    .trim()
    .toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/**
 * A single value as it would be entered.
 *
 * @param {unknown} value
 */
export const plain = (value) => (typeof value === "string" ? value : (JSON.stringify(value) ?? ""));

/**
 * A single value as people write it.
 *
 * @param {unknown} value
 */
export function text(value) {
  if (value === true) return "Yes";
  if (value === false) return "No";
  return value === null || value === undefined || value === "" ? "–" : plain(value);
}

/**
 * @param {unknown} value
 * @returns {value is Record<string, unknown>}
 */
export const isRecord = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * @param {unknown} value
 * @returns {value is string | number | boolean}
 */
const isSingle = (value) => ["string", "number", "boolean"].includes(typeof value);

/**
 * The first of the properties that is there with a single value.
 *
 * @param {Record<string, unknown>} item
 * @param {...string} names
 */
const firstOf = (item, ...names) => names.map((name) => item[name]).find(isSingle);

/**
 * Choices for a field among the data of its route: a list or a map under the field's name or its plural.
 *
 * @param {string} name
 * @param {unknown} data
 * @returns {{ key: string, choices: Choice[] } | undefined}
 */
function offered(name, data) {
  if (!isRecord(data)) return undefined;
  const keys = [name, `${name}s`, `${name}es`, name.replace(/y$/, "ies")];
  const key = keys.find((one) => Object.hasOwn(data, one) && typeof data[one] === "object" && data[one] !== null);
  if (key === undefined) return undefined;
  const list = data[key];
  const choices = Array.isArray(list) ? list.map(ofItem) : Object.entries(/** @type {object} */ (list)).map(ofEntry);
  const good = choices.filter((choice) => choice !== undefined);
  return good.length > 0 && good.length === choices.length ? { key, choices: good } : undefined;
}

/**
 * @param {unknown} item
 * @returns {Choice | undefined}
 */
function ofItem(item) {
  if (isSingle(item)) return { value: item, label: text(item) };
  if (!isRecord(item)) return undefined;
  const value = firstOf(item, "id", "value", "key", "code", "name");
  return value === undefined ? undefined : { value, label: text(firstOf(item, "label", "name", "title") ?? value) };
}

/**
 * @param {[string, unknown]} entry
 * @returns {Choice | undefined}
 */
function ofEntry([key, item]) {
  if (isSingle(item)) return { value: key, label: text(item) };
  return isRecord(item) ? { value: key, label: text(firstOf(item, "label", "name", "title") ?? key) } : undefined;
}

/**
 * What can be chosen in a field, if it is a choice, and which of the route's data it was made from.
 *
 * @param {string} name
 * @param {Field} field
 * @param {unknown} data
 * @returns {{ key?: string, choices: Choice[] } | undefined}
 */
export function choicesOf(name, field, data) {
  if (field.rule === "values") {
    const named = offered(name, data);
    const labels = new Map(named?.choices.map(({ value, label }) => [String(value), label]));
    const choices = field.values.map((value) => ({ value, label: labels.get(String(value)) ?? text(value) }));
    // Data that speaks of none of the values is about something else.
    return named && field.values.some((value) => labels.has(String(value))) ? { key: named.key, choices } : { choices };
  }
  return field.rule === "string" || field.rule === "number" || field.rule === "regex" ? offered(name, data) : undefined;
}

/** @param {number} bytes */
export function size(bytes) {
  if (bytes < 1000) return `${bytes} bytes`;
  return bytes < 1e6 ? `${Math.round(bytes / 1000)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
