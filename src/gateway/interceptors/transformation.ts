import { compile } from "../../expressions/evaluate.ts";
import { asText } from "../../platform/text.ts";
import { addressMaker } from "../address.ts";
import type { Call, Prepare } from "../call.ts";
import { parseExactly } from "../exact-json.ts";
import { jsonOf, messageOf } from "../json-body.ts";
import { compilePaths, replaceAt } from "../json-paths.ts";
import { maskText, maskValue } from "../masking.ts";
import { changedQuery, type Values } from "../query-parts.ts";
import { seen } from "../see.ts";
import { headersMaker, valuesMaker } from "../written.ts";

type Written = readonly (readonly [name: string, value: string])[];

/** Values are made of the headers as they came in, so that one that is removed can go on under another name. */
export const header: Prepare<"header"> = ({ remove, set, add }, { stage }) => {
  const [toSet, toAdd] = [headersMaker(set), headersMaker(add)];
  const replaced = [...remove, ...Object.keys(set)];
  const change = (call: Call, setting: Written, adding: Written): undefined => {
    const { headers } = messageOf(call, stage);
    for (const name of replaced) headers.delete(name);
    for (const [name, value] of setting) headers.set(name, value);
    for (const [name, value] of adding) headers.append(name, value);
  };
  return (call) => {
    const [setting, adding] = [toSet(call, stage), toAdd(call, stage)];
    // What has no expressions is there at once, and a call need not wait a turn for it.
    return setting instanceof Promise || adding instanceof Promise
      ? Promise.all([setting, adding]).then((both) => change(call, ...both))
      : change(call, setting, adding);
  };
};

export const query: Prepare<"query"> = ({ remove, set, add }) => {
  const [toSet, toAdd] = [valuesMaker(set), valuesMaker(add)];
  const [removed, named] = [new Set(remove), Object.keys(set)];
  const change = (call: Call, setting: Values, adding: Values): undefined => {
    // What is set to nothing is taken away, whoever sent it.
    const all = new Map(named.map((name) => [name, setting.get(name) ?? []]));
    call.query = changedQuery(call.query, { remove: removed, set: all, add: adding });
  };
  return (call) => {
    const [setting, adding] = [toSet(call, "request"), toAdd(call, "request")];
    return setting instanceof Promise || adding instanceof Promise
      ? Promise.all([setting, adding]).then(([one, other]) => change(call, parametersOf(one), parametersOf(other)))
      : change(call, parametersOf(setting), parametersOf(adding));
  };
};

/** A list stands for several parameters. */
const parametersOf = (values: readonly (readonly [string, unknown])[]): Values =>
  new Map(values.map(([name, value]) => [name, (Array.isArray(value) ? (value as unknown[]) : [value]).map(asText)]));

export const destination: Prepare<"destination"> = ({ url, replaces }) => {
  const addressOf = addressMaker(url, { takesCaller: true });
  return async (call) => {
    call.redirect = { url: await addressOf(call, "request"), replaces };
    return undefined;
  };
};

export const bodyTransform: Prepare<"bodyTransform"> = ({ expression, contentType }, { stage }) => {
  const made = compile(expression);
  return async (call) => {
    const found = await jsonOf(call, stage);
    if (found === undefined || "answer" in found) return found;
    const { headers, body } = messageOf(call, stage);
    const result = await made.evaluate(seen(call, stage, { body: found.json }));
    body.replace(result === undefined ? "" : JSON.stringify(result));
    if (result === undefined) headers.delete("content-type");
    else headers.set("content-type", contentType);
    return undefined;
  };
};

export const mask: Prepare<"mask"> = ({ fields, headers: names, ...masking }, { stage }) => {
  const paths = compilePaths(fields);
  return async (call) => {
    const found = fields.length === 0 ? undefined : await jsonOf(call, stage, parseExactly);
    if (found !== undefined && "answer" in found) return found;
    const { headers, body } = messageOf(call, stage);
    for (const name of names) {
      const value = headers.get(name);
      if (value !== null) headers.set(name, maskText(value, masking));
    }
    if (found === undefined) return undefined;
    // Written anew in any case: of two keys of one name, another reader may take the one that was not seen here.
    body.replace(JSON.stringify(replaceAt(found.json, paths, (value) => maskValue(value, masking))));
    return undefined;
  };
};

export { jsonXml } from "./json-xml.ts";
