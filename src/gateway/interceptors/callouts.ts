import type { ConfigOf } from "../../apis/interceptors.ts";
import { callHttp, ConnectorError, type HttpAnswer } from "../../connectors/call.ts";
import { textOf } from "../../connectors/body.ts";
import { Deadline } from "../../connectors/deadline.ts";
import { logLine } from "../../platform/log.ts";
import { asText } from "../../platform/text.ts";
import { authorizationOf } from "../../secrets/authorize.ts";
import { hideIn } from "../../secrets/mask.ts";
import type { Secret } from "../../secrets/open.ts";
import { addressMaker } from "../address.ts";
import { BodyFault } from "../body.ts";
import type { Call, Placed, Prepare, World } from "../call.ts";
import { heardOf, isExpected, sender, type Sent } from "../callout.ts";
import { secretFor } from "../opened-secrets.ts";
import { withQuery } from "../query-parts.ts";
import { type Answer, InterceptorFault } from "../refusal.ts";
import { rendered } from "../see.ts";

const MOST_BYTES = 1024 * 1024;

export const serviceCallout: Prepare<"serviceCallout"> = (config, placed) => {
  const { variable, mode, preserveQuery, url } = config;
  const addressOf = addressMaker(url);
  const sentBy = sender(config, placed.stage);
  return async (call, world) => {
    // All of it is made before anything else runs beside: what comes behind may change the call.
    const address = withQuery(await addressOf(call, placed.stage), preserveQuery ? call.query : "");
    const { headers, body } = await sentBy(call);
    const asked = ask({ address, headers, body }, config, { call, world, placed }).then((answer) => {
      if (variable !== undefined) call.context[variable] = heardOf(answer.status, answer.headers, answer.text);
      return undefined;
    });
    if (mode === "wait") return asked;
    if (mode === "async") return { later: asked };
    world.defer(asked.catch((error: unknown) => complain(error, { call, world, placed })));
    return undefined;
  };
};

interface Asking {
  readonly call: Call;
  readonly world: World;
  readonly placed: Placed;
}

async function ask(
  { address, headers, body }: Sent & { readonly address: string },
  { method, secret, timeout, expected, variable }: ConfigOf<"serviceCallout">,
  { call, world, placed }: Asking,
): Promise<HttpAnswer> {
  const shown = secret === undefined ? nothingShown : showing(await secretFor(call, world, secret));
  const { authorization } = shown;
  const answer = await callHttp({
    method,
    url: address,
    headers: { ...Object.fromEntries(headers), ...authorization },
    body,
    timeoutMs: timeout * 1000,
    mostBytes: MOST_BYTES,
    allowPrivate: placed.allowPrivate,
    sensitive: Object.keys(authorization),
    fetch: world.fetchFor({ variable }),
  }).catch((error: unknown) => {
    // The words of a connector name neither query nor header values.
    throw error instanceof ConnectorError ? new CalloutFault(error.code, error.message) : error;
  });
  if (isExpected(answer.status, expected)) return hidden(answer, shown.known);
  const { origin } = new URL(address);
  throw new CalloutFault("STATUS_UNEXPECTED", `${origin} answered ${answer.status}, which is not expected.`);
}

interface Shown {
  readonly authorization: Readonly<Record<string, string>>;
  /** What is secret of it, in the forms in which the other side may repeat it. */
  readonly known: readonly string[];
}

const nothingShown: Shown = { authorization: {}, known: [] };

function showing(secret: Secret): Shown {
  const authorization = authorizationOf(secret);
  const words = Object.values(authorization).map((value) => value.replace(/^(?:Basic|Bearer) /, ""));
  if (words.length === 0) {
    throw new CalloutFault("SECRET_UNFIT", "The secret is of a type that says nothing of how a service is called.");
  }
  const { passphrase } = secret.value;
  return { authorization, known: typeof passphrase === "string" ? [...words, passphrase] : words };
}

/** An answer without what it repeats of a secret: the context may be shown to anybody. */
function hidden(answer: HttpAnswer, known: readonly string[]): HttpAnswer {
  if (known.length === 0) return answer;
  const headers = Object.entries(answer.headers).map(([name, value]) => [name, hideIn(value, known)]);
  return { ...answer, headers: Object.fromEntries(headers) as HttpAnswer["headers"], text: hideIn(answer.text, known) };
}

/** Why there is no answer, with a code for the log. */
class CalloutFault extends InterceptorFault {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

function complain(error: unknown, { call, world, placed }: Asking): void {
  const code =
    error instanceof CalloutFault
      ? error.code
      : error instanceof InterceptorFault
        ? "SECRET_UNAVAILABLE"
        : "UNEXPECTED";
  logLine(world.config, "callout.failed", { requestId: call.id, api: call.api.id, interceptor: placed.id, code });
}

export const internalCall: Prepare<"internalCall"> = (config) => {
  const { variable, api: apiId, revision, resource, operation, preserveQuery, expected, timeout } = config;
  const sentBy = sender(config, "request");
  const timeoutMs = timeout * 1000;
  return async (call, world) => {
    const values = await valuesFor(config.values, call);
    const { headers, body } = await sentBy(call);
    // Its body is read here, so it has to come in an encoding that the runtime undoes.
    headers.set("accept-encoding", "gzip, br");
    const content = typeof body === "string" ? new TextEncoder().encode(body) : (body ?? null);
    const query = preserveQuery ? call.query : "";
    const target = {
      from: call,
      apiId,
      revision,
      resource,
      operation,
      values,
      query,
      headers,
      body: content,
      timeoutMs,
      variable,
    };
    const deadline = new Deadline(timeoutMs, `The API ${apiId}`);
    try {
      const answer = await inTime(world.callApi(target), deadline);
      if (!isExpected(answer.status, expected)) return { answer, code: "INTERNAL_CALL_REFUSED" };
      call.context[variable] = await heard(answer, deadline);
      return undefined;
    } catch (error) {
      throw error instanceof ConnectorError ? new InterceptorFault(error.message) : error;
    } finally {
      deadline.clear();
    }
  };
};

/** Values of the path, each of them one segment of it. */
async function valuesFor(written: readonly string[], call: Call): Promise<string[]> {
  if (written.length === 0) return [];
  const values = (await rendered(written, call, "request")) as unknown[];
  return values.map((value, position) => {
    const text = value === null ? "" : asText(value).toWellFormed();
    if (!/^\.{0,2}$/.test(text)) return encodeURIComponent(text);
    throw new InterceptorFault(`The value at position ${position} is missing, or . or .., which leads elsewhere.`);
  });
}

async function inTime(asked: ReturnType<World["callApi"]>, deadline: Deadline): Promise<Answer> {
  let late = false;
  const answered = asked.then((answer) => {
    if (late) answer.body.abandon();
    return answer;
  });
  try {
    return await deadline.race(answered);
  } catch (error) {
    late = true;
    throw error;
  }
}

async function heard({ status, headers, body }: Answer, deadline: Deadline) {
  try {
    const { text } = textOf(await deadline.race(body.bytes()), headers.get("content-type"));
    return heardOf(status, Object.fromEntries(headers), text);
  } catch (error) {
    body.abandon();
    throw error instanceof BodyFault ? new InterceptorFault("The answer of the API cannot be read.") : error;
  }
}
