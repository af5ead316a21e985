import { compile, isTrue } from "../../expressions/evaluate.ts";
import { Body } from "../body.ts";
import { clearCache } from "../cache-clears.ts";
import { findAnswer, isCacheable, isMadeHere, keepAnswer, keyOf, madeHere } from "../cache.ts";
import type { Call, Prepare } from "../call.ts";
import { isJson, messageOf } from "../json-body.ts";
import { refuse } from "../refusal.ts";
import { seen, textMaker } from "../see.ts";
import { bodyMaker, headersMaker } from "../written.ts";

export const cache: Prepare<"cache"> = (config) => async (call, world) => {
  if (!isCacheable(call)) return undefined;
  if (world.isDry) {
    call.trace?.note("A dry run neither reads the cache nor keeps anything in it.");
    return undefined;
  }
  const key = await keyOf(call, config);
  const asked = { at: world.now(), headers: new Headers(call.headers) };
  const found = await findAnswer(key, call, config, world);
  call.trace?.note(found === undefined ? "No answer is kept." : "Answered from the cache.");
  if (found !== undefined) {
    call.answer = found;
    return undefined;
  }
  call.onDestination.push((answer) => {
    if (isMadeHere(answer)) return;
    // An answer to HEAD has no body that a GET could be answered with.
    if (call.method === "GET") keepAnswer(key, answer, config, asked, world);
    answer.headers.set("x-cache", "miss");
  });
  return undefined;
};

export const cacheClear: Prepare<"cacheClear"> =
  ({ name }) =>
  async (call, world) => {
    if (world.isDry) call.trace?.note("A dry run clears no cache.");
    else await clearCache(call.api.id, name, world);
    return undefined;
  };

export const mock: Prepare<"mock"> = ({ status, headers, body }) => {
  const [headersOf, bodyOf] = [headersMaker(headers), bodyMaker(body)];
  return async (call) => {
    const [written, content] = [await headersOf(call, "request"), await bodyOf(call, "request")];
    const all = new Headers(written.map(([name, value]): [string, string] => [name, value]));
    // Without a type, a browser may take for a page what a client sent.
    if (content !== undefined && !all.has("content-type")) all.set("content-type", content.type);
    call.answer?.body.abandon();
    call.answer = madeHere({ status, headers: all, body: Body.of("answer", content?.text ?? "") });
    return undefined;
  };
};

const saysJson = ({ headers }: Call): boolean => isJson(headers);
const isBlank = async ({ body }: Call): Promise<boolean> => (await body.text()).trim() === "";

export const condition: Prepare<"condition"> = (config, { stage }) => {
  const { readsBody, variable, refuse: refusing } = config;
  const expression = compile(config.expression);
  const messageFor = textMaker(refusing?.message ?? "");
  return async (call) => {
    // Whatever can be read as JSON, whether it says so or not: its next reader may not ask either.
    const more = readsBody ? { body: await messageOf(call, stage).body.json() } : {};
    if (readsBody && stage === "request" && more.body === undefined && saysJson(call) && !(await isBlank(call))) {
      return refuse("JSON_REFUSED", { detail: "It says that it is JSON, and is none.", requestId: call.id });
    }
    const holds = isTrue(await expression.evaluate(seen(call, stage, more)));
    if (variable !== undefined) call.context[variable] = holds;
    if (holds || refusing === undefined) return undefined;
    const detail = (await messageFor(call, stage)) ?? "";
    return refuse("CONDITION_REFUSED", { status: refusing.status, detail: detail || undefined, requestId: call.id });
  };
};
