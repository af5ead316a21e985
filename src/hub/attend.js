import { h } from "./dom.js";

/**
 * What a field's parts need to know of it.
 *
 * @typedef {object} Place
 * @property {string} path
 * @property {string} id
 * @property {string} label
 * @property {boolean} optional
 * @property {unknown} given
 */

/** @param {Place} place */
export const marked = ({ label, optional }) =>
  /** @type {const} */ ([label, optional ? h("span", { class: "optional" }, " (optional)") : undefined]);

/**
 * What stands around an input: its hint, and what is wrong with it.
 *
 * @param {Place} place
 * @param {string | undefined} hint
 * @param {Element[]} inputs that are described and marked by it
 */
export function attend({ id, path }, hint, inputs) {
  const error = h("p", { class: "error", id: `${id}-error`, hidden: true });
  const note = hint ? h("p", { class: "hint", id: `${id}-hint` }, hint) : undefined;
  /** @param {Map<string, string[]>} faults */
  const complain = (faults) => {
    const messages = faults.get(path) ?? [];
    faults.delete(path);
    error.textContent = messages.map((message) => (/[.!?]$/.test(message) ? message : `${message}.`)).join(" ");
    error.hidden = messages.length === 0;
    const described = [note?.hidden ? "" : note?.id, error.hidden ? "" : error.id].filter(Boolean).join(" ");
    // A hint that says the same as the fault is not read twice.
    if (note) note.hidden = messages.some((message) => message === hint);
    for (const input of inputs) {
      if (described) input.setAttribute("aria-describedby", described);
      else input.removeAttribute("aria-describedby");
      input.toggleAttribute("data-invalid", !error.hidden);
      if (error.hidden) input.removeAttribute("aria-invalid");
      else if (!(input instanceof HTMLButtonElement)) input.setAttribute("aria-invalid", "true");
    }
    return !error.hidden;
  };
  // What is being mended is not called wrong any more.
  for (const input of inputs) input.addEventListener("input", () => error.hidden || complain(new Map()));
  complain(new Map());
  return { error, note, complain };
}
