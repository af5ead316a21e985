import { button, described, h, isEmpty } from "./dom.js";
import { controlsOf } from "./fields.js";
import { isRecord, readable } from "./words.js";
/** @import { FieldError, Refused, Route } from "./api.js" */
/** @import { Scene } from "./fields.js" */

/** @param {string} id */
const place = (id) => /** @type {HTMLElement} */ (document.querySelector(`#${id}`));

/** @param {string} words */
export function say(words, isBusy = false) {
  const status = place("status");
  status.textContent = words;
  status.classList.toggle("busy", isBusy);
}

/**
 * Replaces what is shown. Its heading gets the focus, so that it is read out.
 *
 * @param {string} heading
 * @param {...(Node | undefined)} nodes
 */
export function show(heading, ...nodes) {
  const title = h("h1", { tabindex: -1 }, heading);
  place("view").replaceChildren(title, ...nodes.filter((node) => node !== undefined));
  document.title = [heading, place("name").textContent].filter(Boolean).join(" – ");
  say("");
  scrollTo(0, 0);
  title.focus();
}

/** @param {number} steps how many routes there were so far */
export function progress(steps, isOver = false) {
  const dots = h("span", { class: isOver ? "dots over" : "dots", "aria-hidden": "true" });
  dots.append(...Array.from({ length: Math.min(steps, 12) }, () => h("i")));
  place("progress").replaceChildren(...(steps === 0 ? [] : [dots, isOver ? "Finished" : `Step ${steps}`]));
}

/**
 * A fault, and the ways on.
 *
 * @param {string} heading
 * @param {{ message: string, detail?: string | undefined, code?: string, errors?: FieldError[] | undefined }} fault
 * @param {{ again?: (() => unknown) | undefined, over?: (() => unknown) | undefined }} ways
 */
export function showFault(heading, fault, { again, over }) {
  show(heading, alertOf(fault), waysOn(again, over));
}

/**
 * @param {(() => unknown) | undefined} again
 * @param {(() => unknown) | undefined} over
 */
const waysOn = (again, over) =>
  h(
    "div",
    { class: "buttons" },
    again && button("Try again", again, "main"),
    over && button("Start over", over, again ? "quiet" : "main"),
  );

/**
 * @param {{ message: string, detail?: string | undefined, code?: string, errors?: FieldError[] | undefined }} fault
 */
const alertOf = ({ message, detail, code, errors }) =>
  h(
    "div",
    { class: "alert", role: "alert" },
    h("p", {}, message),
    detail ? h("p", {}, detail) : undefined,
    errors && h("ul", {}, ...errors.map((error) => h("li", {}, `${readable(error.field)}: ${error.message}`))),
    code ? h("p", { class: "code" }, code) : undefined,
  );

/** @param {() => unknown} over */
export function showWaiting(over) {
  const words = "This can take a while. You may leave it open, or come back to it in this tab.";
  show("Working on it", h("p", {}, words), h("div", { class: "buttons" }, button("Start over", over)));
  say("Working…", true);
}

/**
 * @param {Route} route
 * @param {() => unknown} over
 */
export function showEnd(route, over) {
  const { export: data, name, uri } = route;
  // A decision may be no reason to be glad.
  const isDecision = isRecord(data) && Object.hasOwn(data, "decision");
  const heading = headingOf({ name, uri }) || "Done";
  const result = isEmpty(data) ? h("p", {}, "That was all. You can close this page.") : described(data);
  show(heading, h("div", { class: "result" }, result), h("div", { class: "buttons" }, button("Start over", over)));
  if (!isDecision) place("view").prepend(h("div", { class: "check", "aria-hidden": "true" }));
}

/** @param {{ name?: string | undefined, uri: string }} route */
const headingOf = ({ name, uri }) => readable(name ?? uri.split(/[?#]/, 1)[0]?.split("/").findLast(Boolean) ?? "");

/**
 * @typedef {object} Form
 * @property {() => unknown} read what was entered; undefined where the route asks for nothing
 * @property {() => Promise<unknown>} settled when all files are uploaded
 * @property {(errors: FieldError[]) => void} complain
 * @property {(fault: Refused | undefined, again?: () => unknown, over?: () => unknown) => void} alert
 * @property {(isBusy: boolean) => void} busy
 */
/**
 * A route: its data, its fields, and the ways on.
 *
 * @param {Route} route
 * @param {{ call: Scene["call"], submit: (form: Form) => unknown, back: (form: Form) => unknown }} doing
 * @param {string | undefined} notice
 */
export function showRoute(route, { call, submit, back }, notice) {
  const used = new Set();
  const fields = route.validate ?? {};
  const controls = controlsOf(fields, route.payload, { data: route.export, used, call, say });
  const hasFields = controls.nodes.length > 0;
  const data = isRecord(route.export)
    ? Object.fromEntries(Object.entries(route.export).filter(([key]) => !used.has(key)))
    : route.export;
  const alert = h("div", {});
  const go = h("button", { class: "main" }, "Continue");
  const goBack = route.backEnabled ? button("Back", () => back(form), "quiet") : undefined;
  const buttons = h("div", { class: "buttons" }, go, goBack);
  const node = h("form", { novalidate: true }, ...controls.nodes, alert, buttons);
  node.addEventListener("submit", (event) => {
    event.preventDefault();
    submit(form);
  });

  /** @type {Form} */
  const form = {
    read: () => (hasFields ? controls.read() : undefined),
    settled: async () => controls.settled?.(),
    complain(errors) {
      const faults = Map.groupBy(errors, ({ field }) => field);
      const messages = new Map([...faults].map(([field, group]) => [field, group.map(({ message }) => message)]));
      const first = controls.complain(messages);
      const rest = errors.filter(({ field }) => messages.has(field));
      alert.replaceChildren(
        ...(rest.length > 0 ? [alertOf({ message: "Something is not right.", errors: rest })] : []),
      );
      say(errors.length === 1 ? "One answer needs your attention." : `${faults.size} answers need your attention.`);
      first?.focus();
    },
    alert(fault, again, over) {
      const hadFocus = alert.contains(document.activeElement);
      alert.replaceChildren(...(fault ? [alertOf(fault), waysOn(again, over)] : []));
      buttons.hidden = fault !== undefined;
      if (fault) alert.querySelector("button")?.focus();
      else if (hadFocus) go.focus();
    },
    busy(isBusy) {
      node.setAttribute("aria-busy", String(isBusy));
      // Not disabled: that would take the focus away.
      for (const one of [go, goBack]) one?.setAttribute("aria-disabled", String(isBusy));
    },
  };
  show(
    headingOf(route) || "Next step",
    notice ? h("p", { class: "notice" }, notice) : undefined,
    isEmpty(data) ? undefined : h("div", { class: "data" }, described(data)),
    node,
  );
}
