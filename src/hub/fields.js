import { attend, marked } from "./attend.js";
import { h } from "./dom.js";
import { fileControl } from "./file.js";
import { choicesOf, isRecord, plain, readable } from "./words.js";
/** @import { Field, Fields } from "../workflows/fields.ts" */
/** @import { Answer, Sending } from "./api.js" */
/** @import { Place } from "./attend.js" */
/** @import { Choice } from "./words.js" */

/**
 * What is entered for one field, or for several.
 *
 * @typedef {object} Control
 * @property {HTMLElement} node
 * @property {() => unknown} read undefined where nothing was entered
 * @property {(faults: Map<string, string[]>) => HTMLElement | undefined} complain takes from the faults what is its
 *   own, shows it, and answers what is to have the focus
 * @property {() => Promise<unknown>} [settled] when nothing is under way any more
 */
/** @typedef {(method: string, path: string, sending?: Sending) => Promise<Answer>} Call */
/** @typedef {{ data: unknown, used: Set<string>, call: Call, say: (text: string) => void }} Scene */

/**
 * Controls for all fields, and the payload that they make.
 *
 * @param {Fields} fields
 * @param {unknown} given
 * @param {Scene} scene
 * @returns {Control & { nodes: HTMLElement[] }}
 */
export function controlsOf(fields, given, scene, prefix = "") {
  const values = isRecord(given) ? given : {};
  const controls = Object.entries(fields).map(([name, field]) => {
    const path = prefix + name;
    const label = field.label ?? readable(name);
    const place = { path, id: `f-${path}`, label, optional: field.optional === true, given: values[name] };
    return { name, control: controlOf(name, field, place, scene) };
  });
  const nodes = controls.map(({ control }) => control.node);
  return {
    nodes,
    node: h("div", {}),
    read: () => Object.fromEntries(controls.flatMap(({ name, control }) => entryOf(name, control.read()))),
    complain: (faults) => controls.map(({ control }) => control.complain(faults)).find((node) => node !== undefined),
    settled: () => Promise.all(controls.flatMap(({ control }) => (control.settled ? [control.settled()] : []))),
  };
}

/**
 * @param {string} name
 * @param {unknown} value
 */
const entryOf = (name, value) => (value === undefined ? [] : [[name, value]]);

/**
 * @param {string} name
 * @param {Field} field
 * @param {Place} place
 * @param {Scene} scene
 * @returns {Control}
 */
function controlOf(name, field, place, scene) {
  if (field.rule === "nested") return nestedControl(field.fields, place, scene);
  if (field.rule === "file") return fileControl(field, place, scene);
  if (field.rule === "truefalse") return radioControl(place, [yes, no]);
  const { key, choices } = choicesOf(name, field, scene.data) ?? {};
  if (choices === undefined) return textControl(name, field, place);
  if (key !== undefined) scene.used.add(key);
  return choices.length <= 6 ? radioControl(place, choices) : selectControl(place, choices);
}

const yes = { value: true, label: "Yes" };
const no = { value: false, label: "No" };

/** By what browsers fill a field in. */
const autocomplete = /** @type {Record<string, string>} */ ({
  name: "name",
  firstname: "given-name",
  lastname: "family-name",
  email: "email",
  phone: "tel",
  mobile: "tel",
  street: "street-address",
  city: "address-level2",
  zip: "postal-code",
  country: "country-name",
  birthdate: "bday",
});

/**
 * @param {string} name
 * @param {Extract<Field, { rule: "string" | "number" | "regex" | "values" }>} field
 * @param {Place} place
 * @returns {Control}
 */
function textControl(name, field, place) {
  const fill = autocomplete[name.toLowerCase().replaceAll(/[_-]/g, "")];
  const isLong = field.rule === "string" && (field.max ?? 0) > 200;
  const attributes = { id: place.id, name: place.path, required: !place.optional, autocomplete: fill };
  const type = fill === "email" || fill === "tel" ? fill : "text";
  const mode = field.rule !== "number" ? undefined : field.integer && (field.min ?? -1) >= 0 ? "numeric" : "decimal";
  const input = isLong
    ? h("textarea", { ...attributes, rows: 4 })
    : h("input", { ...attributes, type, inputmode: mode });
  if (place.given !== undefined && place.given !== null) input.value = plain(place.given);
  const { error, note, complain } = attend(place, hintOf(field), [input]);
  return {
    node: h("div", { class: "field" }, h("label", { for: place.id }, ...marked(place)), note, input, error),
    read: () => (input.value.trim() === "" ? undefined : input.value),
    complain: (faults) => (complain(faults) ? input : undefined),
  };
}

/** @param {Field} field */
function hintOf(field) {
  if (field.rule === "regex") return field.message;
  if (field.rule !== "number") return undefined;
  const { min, max } = field;
  if (min !== undefined && max !== undefined) return `From ${min} to ${max}.`;
  return min !== undefined ? `At least ${min}.` : max !== undefined ? `At most ${max}.` : undefined;
}

/**
 * @param {Place} place
 * @param {Choice[]} choices
 * @returns {Control}
 */
function radioControl(place, choices) {
  const offers = place.optional ? [...choices, { value: undefined, label: "No answer" }] : choices;
  const group = h("fieldset", { class: "field", role: "radiogroup", id: place.id });
  const chosen = chosenOf(place, choices);
  const inputs = offers.map(({ value }, index) => {
    const input = h("input", { type: "radio", name: place.path, value: index, required: !place.optional });
    input.checked = chosen === -1 ? value === undefined : index === chosen;
    return input;
  });
  const { error, complain } = attend(place, undefined, [group]);
  const labels = inputs.map((input, index) => h("label", { class: "choice" }, input, offers[index]?.label));
  group.append(h("legend", {}, ...marked(place)), ...labels, error);
  return {
    node: group,
    read: () => offers[inputs.findIndex((input) => input.checked)]?.value,
    complain: (faults) => (complain(faults) ? (inputs.find((input) => input.checked) ?? inputs[0]) : undefined),
  };
}

/**
 * @param {Place} place
 * @param {Choice[]} choices
 */
const chosenOf = ({ given }, choices) =>
  given === undefined ? -1 : choices.findIndex(({ value }) => plain(value) === plain(given));

/**
 * @param {Place} place
 * @param {Choice[]} choices
 * @returns {Control}
 */
function selectControl(place, choices) {
  const select = h("select", { id: place.id, name: place.path, required: !place.optional });
  const options = choices.map(({ label }, index) => h("option", { value: index }, label));
  select.append(h("option", { value: "" }, place.optional ? "No answer" : "Choose…"), ...options);
  select.selectedIndex = chosenOf(place, choices) + 1;
  const { error, complain } = attend(place, undefined, [select]);
  return {
    node: h("div", { class: "field" }, h("label", { for: place.id }, ...marked(place)), select, error),
    read: () => choices[select.selectedIndex - 1]?.value,
    complain: (faults) => (complain(faults) ? select : undefined),
  };
}

/**
 * @param {Fields} fields
 * @param {Place} place
 * @param {Scene} scene
 * @returns {Control}
 */
function nestedControl(fields, place, scene) {
  const inner = controlsOf(fields, place.given, scene, `${place.path}.`);
  const node = h("fieldset", { class: "nested", id: place.id, tabindex: -1 });
  const { error, complain } = attend(place, undefined, [node]);
  node.append(h("legend", {}, ...marked(place)), error, ...inner.nodes);
  return {
    node,
    // Where it may be missing, nothing entered is no object; else the answer names each field that is missing.
    read: () => {
      const value = /** @type {object} */ (inner.read());
      return place.optional && Object.keys(value).length === 0 ? undefined : value;
    },
    complain: (faults) => {
      const own = complain(faults) ? node : undefined;
      return inner.complain(faults) ?? own;
    },
    ...(inner.settled ? { settled: inner.settled } : {}),
  };
}
