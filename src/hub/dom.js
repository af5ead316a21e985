import { isRecord, readable, text } from "./words.js";

/** @typedef {string | number | boolean | undefined} Attribute */

/**
 * An element. An attribute that is false or undefined is left out.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, Attribute>} [attributes]
 * @param {...(Node | string | undefined)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.filter((child) => child !== undefined));
  return node;
}

/**
 * @param {string} label
 * @param {() => unknown} act
 * @param {string} [kind]
 */
export function button(label, act, kind = "quiet") {
  const node = h("button", { type: "button", class: kind }, label);
  node.addEventListener("click", act);
  return node;
}

/**
 * Any data as a description list, a list or a text.
 *
 * @param {unknown} data
 * @returns {Node}
 */
export function described(data) {
  if (Array.isArray(data)) {
    return data.length === 0
      ? document.createTextNode(text(null))
      : h("ul", {}, ...data.map((item) => h("li", {}, described(item))));
  }
  if (!isRecord(data)) return document.createTextNode(text(data));
  const entries = Object.entries(data).map(([key, item]) =>
    h("div", {}, h("dt", {}, readable(key) || key), h("dd", {}, described(item))),
  );
  return h("dl", {}, ...entries);
}

/** @param {unknown} data */
export const isEmpty = (data) =>
  data === undefined || data === null || data === "" || (typeof data === "object" && Object.keys(data).length === 0);
