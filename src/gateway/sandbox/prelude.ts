/**
 * What a script finds around it. It runs inside the sandbox, before the script, and is a function of the call as JSON
 * text. What it answers stays with the engine, out of the script's reach. Nothing here guards the gateway: a script may
 * break all of it, and then has spoilt its own result alone.
 */
export const PRELUDE = String.raw`(function (text) {
"use strict";
const { parse, stringify } = JSON;
const { defineProperty, setPrototypeOf, create, keys } = Object;
const given = parse(text);

const Clock = Date;
const Now = function Date(...parts) {
  if (new.target === undefined) return new Clock(given.at).toString();
  return Reflect.construct(Clock, parts.length === 0 ? [given.at] : parts, new.target);
};
Now.prototype = Clock.prototype;
Now.now = () => given.at;
Now.parse = Clock.parse;
Now.UTC = Clock.UTC;
const hide = (target, name, value) => defineProperty(target, name, { value, writable: true, configurable: true });
hide(Clock.prototype, "constructor", Now);
hide(globalThis, "Date", Now);

const ofMaps = {};
hide(ofMaps, "get", function (name) { return this[name] === undefined ? null : this[name]; });
hide(ofMaps, "put", function (name, value) { this[name] = value; });
hide(ofMaps, "remove", function (name) { delete this[name]; });
hide(ofMaps, "containsKey", function (name) { return Object.hasOwn(this, name); });
const mapOf = (values) => setPrototypeOf(values, ofMaps);

const MOST_CHANGES = 500;
const noting = (changes) => (kind, name, value) => {
  if (changes.length >= MOST_CHANGES) throw new RangeError("A script makes at most 500 changes to headers or parameters.");
  changes.push(value === undefined ? [kind, name] : [kind, name, value]);
};

/* Pairs of names and values: headers, or parameters of the query. */
const listOf = (pairs, write) => {
  const changes = [];
  const note = noting(changes);
  let held = pairs;
  const without = (name) => held.filter((pair) => pair[0] !== name);
  return {
    changes,
    get(named) {
      const name = write(named);
      const values = held.filter((pair) => pair[0] === name).map((pair) => pair[1]);
      return values.length === 0 ? null : values.join(", ");
    },
    set(named, given) {
      const name = write(named);
      const value = String(given);
      note("set", name, value);
      held = without(name);
      held.push([name, value]);
    },
    add(named, given) {
      const name = write(named);
      const value = String(given);
      note("add", name, value);
      held.push([name, value]);
    },
    remove(named) {
      const name = write(named);
      note("remove", name);
      held = without(name);
    },
    all() {
      const values = create(null);
      for (const [name] of held) values[name] = this.get(name);
      return mapOf(values);
    },
  };
};
const lower = (name) => String(name).toLowerCase();

/* What requests and responses have in common. "change" is what the engine reads. */
const messageOf = ({ headers, body }) => {
  const list = listOf(headers, lower);
  const change = { headers: list.changes };
  let held = body;
  const demand = () => {
    if (held === undefined) throw new Error("The body is not at hand. The setting body has to be true, and the stage the right one.");
  };
  const read = () => { demand(); return held; };
  const write = (text) => { demand(); held = change.body = text === null || text === undefined ? "" : String(text); };
  const own = {
    getHeader: (name) => list.get(name),
    setHeader: (name, value) => list.set(name, value),
    addHeader: (name, value) => list.add(name, value),
    removeHeader: (name) => list.remove(name),
    getAllHeaders: () => list.all(),
    getBodyAsString: read,
    setBody: write,
    getBody: () => ({ getString: read, setString: write }),
  };
  defineProperty(own, "body", { get: read, set: write, enumerable: true });
  return { own, change };
};

const changeOf = new WeakMap();
const asResponse = (state) => {
  const { own, change } = messageOf(state);
  let status = state.status;
  const read = () => (status === undefined ? null : status);
  const write = (value) => { status = change.status = Number(value); };
  own.getStatus = read;
  own.setStatus = write;
  defineProperty(own, "status", { get: read, set: write, enumerable: true });
  if (state.fresh) change.fresh = true;
  changeOf.set(own, change);
  return own;
};
const empty = () => asResponse({ headers: [], body: "", fresh: true });
hide(globalThis, "ApiResponse", function ApiResponse() { return empty(); });

const asRequest = (state) => {
  const { own, change } = messageOf(state);
  const list = listOf(state.query, String);
  change.query = list.changes;
  own.method = state.method;
  own.path = state.path;
  own.getMethod = () => state.method;
  own.getRequestedUrl = () => state.url;
  own.getQuery = own.getQueryParam = (name) => list.get(name);
  own.setQuery = (name, value) => (value === null || value === undefined ? list.remove(name) : list.set(name, value));
  own.removeQuery = (name) => list.remove(name);
  own.getAllQueryParams = () => list.all();
  return { own, change };
};

const request = asRequest(given.request);
let response = given.response === null ? empty() : asResponse(given.response);
const traces = [];
let accepted = true;
const context = mapOf(given.call.context);
const before = create(null);
for (const name of keys(context)) before[name] = stringify(context[name]);

const $call = {
  id: given.call.id,
  contextVariables: context,
  app: given.call.app,
  token: given.call.token,
  env: mapOf(given.call.env),
  request: request.own,
  stopFlow: false,
  tracer: {
    trace(text) {
      if (traces.length < 50) traces.push(String(text).slice(0, 1000));
    },
  },
  decision: {
    setAccept(value) { accepted = Boolean(value); },
    isAccept: () => accepted,
  },
};
$call.environmentVariables = $call.env;
const ofResponse = {
  get: () => response,
  set(value) {
    if (!changeOf.has(value)) throw new TypeError("A response is made by new ApiResponse().");
    response = value;
  },
};
defineProperty($call, "response", { ...ofResponse, enumerable: true });
defineProperty(globalThis, "$response", ofResponse);
defineProperty(globalThis, "$request", { value: request.own });
defineProperty(globalThis, "$call", { value: $call });

const named = ["SyntaxError", "TypeError", "ReferenceError", "RangeError", "InternalError", "EvalError", "URIError"];
return {
  finish() {
    const changed = [];
    const removed = [];
    for (const name of keys(context)) {
      const now = stringify(context[name]);
      if (now === undefined) delete context[name];
      else if (now !== before[name]) changed.push([name, now]);
    }
    for (const name of keys(before)) if (!Object.hasOwn(context, name)) removed.push(name);
    const stop = !accepted || $call.stopFlow === true;
    return stringify({ stop, traces, request: request.change, response: changeOf.get(response), changed, removed });
  },
  /* Of an error no more than its kind and place: its words may hold values. */
  explain(error) {
    let kind = "Error";
    let line = 0;
    try {
      if (named.includes(error.name)) kind = error.name;
      const place = /script\.js:(\d+)/.exec(String(error.stack));
      if (place !== null) line = Number(place[1]);
      else if (error.fileName === "script.js") line = Number(error.lineNumber);
    } catch {}
    return stringify({ kind, line, traces });
  },
};
})`;
