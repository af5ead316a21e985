import { asText } from "../../platform/text.ts";
import { Body } from "../body.ts";
import type { World } from "../call.ts";
import { callInternally, type Finds } from "../internal.ts";
import type { Answer } from "../refusal.ts";
import type { Mock, TryInput } from "./input.ts";

const nothing: Mock = { status: 200, headers: {}, body: {} };

/** A world in which nothing is counted, kept or cleared, and which nothing leaves unless it is asked to. */
export function dryWorld(world: World & Finds, { destination, mock = nothing, callouts }: TryInput): World {
  const dry = { ...world, isDry: true, clearedAt: () => 0, cleared: () => undefined };
  if (destination === "real") {
    const real: World & Finds = { ...dry, callApi: (target) => callInternally(target, real) };
    return real;
  }
  const named = (variable: string | undefined): Mock =>
    variable !== undefined && Object.hasOwn(callouts, variable) ? callouts[variable]! : nothing;
  const others: World & Finds = {
    ...dry,
    fetch: fetcherOf(nothing),
    // Keys are public, and without them no token could be tried.
    fetchFor: (use) =>
      use === "keys" ? world.fetchFor(use) : fetcherOf(use === "destination" ? nothing : named(use.variable)),
    callApi: ({ variable, ...target }) =>
      variable !== undefined && Object.hasOwn(callouts, variable)
        ? Promise.resolve(answerOf(callouts[variable]!))
        : callInternally(target, others),
  };
  return { ...others, fetchFor: (use) => (use === "destination" ? fetcherOf(mock) : others.fetchFor(use)) };
}

const fetcherOf =
  (mock: Mock): typeof fetch =>
  async (_input, init) => {
    // Read to its end, as a destination would.
    if (init?.body instanceof ReadableStream) await new Response(init.body).arrayBuffer();
    return responseOf(mock);
  };

const hasNoBody = (status: number): boolean => status === 204 || status === 205 || status === 304;

function headersOf({ headers, body }: Mock): Headers {
  const all = new Headers(headers);
  if (body !== undefined && typeof body !== "string" && !all.has("content-type")) {
    all.set("content-type", "application/json");
  }
  return all;
}

const responseOf = (mock: Mock): Response =>
  new Response(hasNoBody(mock.status) || mock.body === undefined ? null : asText(mock.body), {
    status: mock.status,
    headers: headersOf(mock),
  });

const answerOf = (mock: Mock): Answer => ({
  status: mock.status,
  headers: headersOf(mock),
  body: Body.of("answer", mock.body === undefined ? "" : asText(mock.body)),
});
