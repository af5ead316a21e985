import { call, pause, recall, Refused, remember } from "./api.js";
import { progress, say, show, showEnd, showFault, showRoute, showWaiting } from "./views.js";
import { readable } from "./words.js";
/** @import { Answer, Route, Sending, Session } from "./api.js" */
/** @import { Form } from "./views.js" */

/** `/hub/{name}` as it stands in the address; without a name it is the only workflow there is. */
const name = location.pathname.split("/")[2] ?? "";
const input = new URLSearchParams(location.search).get("input") ?? "";

/** @type {Session | undefined} */
let session = recall(name);
/** Grows with each thing that is begun, so that what was begun before falls silent. */
let turn = 0;

/**
 * @param {string} method
 * @param {string} path
 * @param {Sending} [sending]
 */
const callOurs = (method, path, sending) => call(method, path, { token: session?.token, ...sending });
/** Seconds for which an answer may take before people are shown that they have to wait. */
const soon = "?wait=3";
const path = () => `/api/execution/${session?.uuid}`;

/** @param {unknown} fault */
const refusedBy = (fault) => (fault instanceof Refused ? fault : new Refused(0, { title: "Something went wrong." }));

async function begin() {
  const mine = ++turn;
  session = undefined;
  remember(name, session);
  progress(0);
  show("One moment");
  say("Starting…", true);
  const body = parsed(input);
  if (body instanceof Refused) return showFault("The address of this page is not right", body, { again: begin });
  try {
    const { body: begun } = await call("POST", `/api/executor${name && `/${name}`}`, { body });
    if (mine !== turn) return;
    session = { uuid: begun.uuid, token: begun.token, input, steps: 0 };
    remember(name, session);
  } catch (caught) {
    const fault = refusedBy(caught);
    if (mine !== turn) return;
    if (fault.status === 422) {
      const told = { message: "This link does not have what is needed to begin.", errors: fault.errors };
      return showFault("The address of this page is not right", told, { again: begin });
    }
    return showFault(fault.mayPass ? "This did not work" : "This is not available", fault, { again: begin });
  }
  await look();
}

/**
 * The input in the address; undefined if there is none.
 *
 * @param {string} text
 */
function parsed(text) {
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return new Refused(400, { title: "What it has for an input is not JSON." });
  }
}

/**
 * Asks where the execution is, until it is somewhere. The first answer is not waited for long: people are told soon.
 *
 * @param {string} [notice]
 * @param {Answer} [answer] what is known already
 * @returns {Promise<void>}
 */
async function look(notice, answer) {
  const mine = ++turn;
  let current = answer;
  let tries = 0;
  for (let isShown = false; ;) {
    try {
      current ??= await callOurs("GET", path() + (isShown ? "" : soon));
    } catch (caught) {
      if (mine !== turn) return;
      const fault = refusedBy(caught);
      // What may pass by itself is tried again before anybody is bothered with it.
      if (!fault.mayPass || fault.status === 500 || ++tries > 2) return lost(fault);
      await pause(1000 * tries);
    }
    if (mine !== turn) return;
    if (current?.status === 200) return shown(current.body, notice);
    if (current === undefined) continue;
    if (!isShown) showWaiting(begin);
    isShown = true;
    await pause(current.wait);
    if (mine !== turn) return;
    current = undefined;
  }
}

/**
 * @param {Refused} fault
 * @returns {void}
 */
function lost(fault) {
  if (fault.isGone) {
    progress(0);
    const message = "It has expired, or was not begun in this tab. What you have entered is not there any more.";
    return showFault("Your session has ended", { message }, { over: begin });
  }
  if (fault.mayPass) return showFault("This did not work", fault, { again: () => look(), over: begin });
  progress(session?.steps ?? 0, true);
  showFault("This could not be finished", fault, { over: begin });
}

/**
 * @param {Route} route
 * @param {string} [notice]
 */
function shown(route, notice, step = 1) {
  if (session !== undefined && session.route !== route.uuid) {
    session.steps = Math.max(1, session.steps + (route.terminal ? 0 : step));
    session.route = route.uuid;
    remember(name, session);
  }
  progress(session?.steps ?? 0, route.terminal);
  if (route.terminal) return showEnd(route, begin);
  showRoute(
    route,
    {
      call: callOurs,
      submit: (form) => act(form, route, submit),
      back: (form) => act(form, route, back),
    },
    notice,
  );
}

/**
 * @param {Form} form
 * @param {Route} route
 */
async function submit(form, route) {
  await form.settled();
  const answer = await callOurs("POST", path() + soon, { body: { uuid: route.uuid, payload: form.read() } });
  return answer.status === 200 ? () => shown(answer.body) : () => look(undefined, answer);
}

/**
 * @param {Form} form
 * @param {Route} route
 */
async function back(form, route) {
  const { body } = await callOurs("POST", `${path()}/back`, { body: { uuid: route.uuid, payload: form.read() } });
  return () => shown(body, undefined, -1);
}

let isBusy = false;

/**
 * Does one thing at a time with a route.
 *
 * @param {Form} form
 * @param {Route} route
 * @param {(form: Form, route: Route) => Promise<() => unknown>} what
 */
async function act(form, route, what) {
  if (isBusy) return;
  isBusy = true;
  form.busy(true);
  form.alert(undefined);
  const slow = setTimeout(() => say("Working…", true), 300);
  let next;
  try {
    next = await what(form, route);
  } catch (caught) {
    const fault = refusedBy(caught);
    next = () =>
      fault.status === 422 && fault.errors
        ? form.complain(fault.errors)
        : recover(form, route, fault, () => act(form, route, what));
  }
  clearTimeout(slow);
  say("");
  isBusy = false;
  form.busy(false);
  await next();
}

/**
 * After a fault: what was entered stays, as long as the route is still the one.
 *
 * @param {Form} form
 * @param {Route} route
 * @param {Refused} fault
 * @param {() => unknown} again
 */
async function recover(form, route, fault, again) {
  if (fault.mayPass) {
    const now = await callOurs("GET", `${path()}?wait=0`).catch(refusedBy);
    const isOver = now instanceof Refused && (!now.mayPass || now.status === 500);
    if (!isOver && (now instanceof Refused || now.body.uuid === route.uuid)) return form.alert(fault, again, begin);
    return look();
  }
  const now = await callOurs("GET", path() + soon).catch(refusedBy);
  if (now instanceof Refused) return now.mayPass && now.status !== 500 ? form.alert(now, again, begin) : lost(now);
  if (now.body.uuid === route.uuid) return form.alert(fault, again, begin);
  return look("This had gone on meanwhile. Here is where it stands now.", now);
}

const title = document.querySelector("#name");
// Of `onboarding:3` the number is a revision; an id says nothing to people.
const plain = name.replace(/(?::|%3A)\d+$/i, "");
if (title !== null) title.textContent = /^[0-9a-f]{24}$|%/i.test(plain) ? "" : readable(plain);
await (session === undefined || (input !== "" && session.input !== input) ? begin() : look());
