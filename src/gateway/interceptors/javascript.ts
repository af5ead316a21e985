import type { Stage } from "../../apis/interceptors.ts";
import { ConnectorError } from "../../connectors/fault.ts";
import { headersOf } from "../../connectors/headers.ts";
import { Body } from "../body.ts";
import type { Call, Prepare } from "../call.ts";
import { changedQuery } from "../query-parts.ts";
import { type Answer, InterceptorFault, refuse, type Stop } from "../refusal.ts";
import { MOST_INPUT, type Pair, runScript, type ScriptInput } from "../sandbox.ts";
import { type Change, type ResponseChange, type Result, valueOf } from "../sandbox/result.ts";

export const javascript: Prepare<"javascript"> =
  ({ script, body: hasBody }, { stage }) =>
  async (call) => {
    const body = hasBody ? await bodyOf(call, stage) : undefined;
    if (body !== undefined && body.length > MOST_INPUT) return tooLarge(stage);
    const outcome = await runScript(script, inputOf(call, stage, body));
    for (const line of outcome.traces) call.trace?.note(line);
    if ("fault" in outcome) throw new InterceptorFault(outcome.fault);
    return applied(outcome.result, call, stage);
  };

const bodyOf = (call: Call, stage: Stage): Promise<string> | undefined =>
  stage === "request" ? call.body.text() : call.answer?.body.text();

function tooLarge(stage: Stage): Stop {
  const detail = `A script reads at most ${MOST_INPUT} characters.`;
  if (stage === "request") return refuse("BODY_TOO_LARGE", { detail });
  throw new InterceptorFault(`The answer is too large. ${detail}`);
}

function inputOf(call: Call, stage: Stage, body: string | undefined): ScriptInput {
  const { app, answer } = call;
  const isRequest = stage === "request";
  return {
    at: call.at,
    request: {
      method: call.method,
      path: call.path,
      url: call.path + call.query,
      query: call.query === "" ? [] : pairs(new URLSearchParams(call.query)),
      headers: pairs(call.headers),
      body: isRequest ? body : undefined,
    },
    response:
      isRequest || answer === undefined ? null : { status: answer.status, headers: pairs(answer.headers), body },
    call: {
      id: call.id,
      context: call.context,
      app: app === undefined ? null : { id: app.id, name: app.name, clientId: app.clientId, fields: app.fields },
      token: call.token ?? null,
      env: call.api.variables,
    },
  };
}

const pairs = (list: Iterable<[string, string]>): readonly Pair[] => [...list];

/** All of it is checked before any of it is done. */
function applied(result: Result, call: Call, stage: Stage): Stop | undefined {
  const { request, response } = result;
  const onRequest = written(request.headers);
  const onResponse = written(response.headers);
  const context = result.changed.map(([name, text]) => [name, contextOf(text)] as const);
  for (const name of result.removed) delete call.context[name];
  for (const [name, value] of context) define(call.context, name, value);
  if (stage === "request") {
    if (result.stop) return isSet(response) ? stopWith(response, onResponse) : refuse("SCRIPT_REFUSED");
    change(call.headers, onRequest);
    if (request.query.length > 0) call.query = queryOf(call.query, request.query);
    if (request.body !== undefined) call.body.replace(request.body);
    return undefined;
  }
  if (result.stop && !isSet(response)) return refuse("SCRIPT_REFUSED");
  if (call.answer !== undefined) answerWith(call.answer, response, onResponse);
  return result.stop && call.answer !== undefined ? { code: "SCRIPT_REFUSED", answer: call.answer } : undefined;
}

const isSet = ({ status, headers, body }: ResponseChange): boolean =>
  status !== undefined || headers.length > 0 || body !== undefined;

function stopWith({ status = 403, body = "" }: ResponseChange, changes: readonly Written[]): Stop {
  const headers = new Headers({ "cache-control": "no-store" });
  if (body !== "") headers.set("content-type", "text/plain; charset=utf-8");
  change(headers, changes);
  return { code: "SCRIPT_REFUSED", answer: { status, headers, body: Body.of("answer", body) } };
}

function answerWith(answer: Answer, { fresh, status, body }: ResponseChange, changes: readonly Written[]): void {
  if (fresh === true) answer.headers = new Headers();
  if (fresh === true && status === undefined) answer.status = 200;
  if (status !== undefined) answer.status = status;
  if (body !== undefined || fresh === true) answer.body.replace(body ?? "");
  change(answer.headers, changes);
}

interface Written {
  readonly kind: Change[0];
  readonly name: string;
  readonly value: string;
}

/** Changes to headers, each of them one that may be set. */
function written(changes: readonly Change[]): readonly Written[] {
  return changes.map(([kind, name, value = ""]) => {
    try {
      headersOf({ [name]: value });
    } catch (cause) {
      if (cause instanceof ConnectorError) throw new InterceptorFault(cause.message);
      throw cause;
    }
    return { kind, name, value };
  });
}

function change(headers: Headers, changes: readonly Written[]): void {
  for (const { kind, name, value } of changes) {
    if (kind === "set") headers.set(name, value);
    else if (kind === "add") headers.append(name, value);
    else headers.delete(name);
  }
}

const none = new Map<string, readonly string[]>();

/** What the script does not touch stays as it was sent. */
const queryOf = (sent: string, changes: readonly Change[]): string =>
  changes.reduce((query, [kind, name, value = ""]) => {
    const values = new Map([[name, [value]]]);
    return changedQuery(query, {
      remove: new Set(kind === "remove" ? [name] : []),
      set: kind === "set" ? values : none,
      add: kind === "add" ? values : none,
    });
  }, sent);

function contextOf(text: string): unknown {
  try {
    return valueOf(text);
  } catch {
    throw new InterceptorFault("The script leaves a context variable that is no JSON.");
  }
}

/** A name such as `__proto__` is a name, and reaches no prototype. */
const define = (target: Record<string, unknown>, name: string, value: unknown): unknown =>
  Object.defineProperty(target, name, { value, writable: true, enumerable: true, configurable: true });
