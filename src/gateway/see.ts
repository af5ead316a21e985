import type { Stage } from "../apis/interceptors.ts";
import { compile, isTrue } from "../expressions/evaluate.ts";
import { render } from "../expressions/template.ts";
import { asText } from "../platform/text.ts";
import type { Call } from "./call.ts";

/** What expressions see of a call. On the response `headers` are those of the answer. */
export function seen(call: Call, stage: Stage, more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  const { app, answer } = call;
  const ofAnswer = stage === "response" && answer !== undefined;
  return {
    method: call.method,
    path: call.path,
    headers: Object.fromEntries(ofAnswer ? answer.headers : call.headers),
    query: queryOf(call.query),
    app: app === undefined ? null : { id: app.id, name: app.name, clientId: app.clientId, fields: app.fields },
    token: call.token ?? null,
    context: call.context,
    env: call.api.variables,
    ...(ofAnswer ? { status: answer.status } : {}),
    ...more,
  };
}

/** Parameters by name; one that comes several times is a list. */
function queryOf(query: string): Record<string, string | string[]> {
  const found: [string, string | string[]][] = [];
  if (query !== "") {
    const parameters = new URLSearchParams(query);
    for (const name of new Set(parameters.keys())) {
      const values = parameters.getAll(name);
      found.push([name, values.length === 1 ? values[0]! : values]);
    }
  }
  return Object.fromEntries(found);
}

/** Whether a condition holds for a call. */
export const holds = async (
  text: string,
  call: Call,
  stage: Stage,
  more?: Readonly<Record<string, unknown>>,
): Promise<boolean> => isTrue(await compile(text).evaluate(seen(call, stage, more)));

/** What JSON with expressions in its texts comes to. */
export const rendered = (value: unknown, call: Call, stage: Stage): Promise<unknown> =>
  render(value, seen(call, stage));

const isPlainText = (text: string): boolean => !text.includes("{{");

/**
 * A text with expressions in it, made ready. What comes to nothing, or to null, is undefined.
 */
export function textMaker(
  text: string,
): (call: Call, stage: Stage) => string | undefined | Promise<string | undefined> {
  if (isPlainText(text)) return () => text;
  return async (call, stage) => {
    const value = await rendered(text, call, stage);
    return value === undefined || value === null ? undefined : asText(value);
  };
}
