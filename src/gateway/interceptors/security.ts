import { isSecretOf } from "../../apps/secret.ts";
import { Body, BodyFault, MOST_READ_BYTES } from "../body.ts";
import { isPreflight, isReadable } from "../headers.ts";
import type { Call, Prepare } from "../call.ts";
import { appSought, clientUnknown, heldOff, identify } from "../identify.ts";
import { refuse, type Stop } from "../refusal.ts";
import { BASIC_CHALLENGE, basicIn } from "../tokens/basic.ts";
import { parametersIn } from "../tokens/location.ts";

export const clientId: Prepare<"clientId"> = ({ location, name, responseType: as }) => {
  const manner = { as, challenge: `ApiKey in="${location}", name="${name}"` };
  const read =
    location === "header"
      ? ({ sent }: Call) => sent.get(name)
      : ({ sentQuery }: Call) => {
          const [id, ...more] = parametersIn(sentQuery, name);
          // The destination may read another one than the first.
          return more.length === 0 ? id : undefined;
        };
  return async (call, world) => {
    const app = await appSought(call, world, read(call) ?? "");
    return app === "guessing" ? heldOff(call, as) : identify(call, app, manner);
  };
};

export const clientIdSecret: Prepare<"clientIdSecret"> = ({ name, responseType: as }) => {
  const manner = { as, challenge: BASIC_CHALLENGE };
  return async (call, world) => {
    const sent = basicIn(call.sent.get(name));
    if (sent === undefined) return clientUnknown(call, manner);
    const app = await appSought(call, world, sent.id);
    if (app === "guessing") return heldOff(call, as);
    if (app === undefined || !(await isSecretOf(app, sent.secret))) return clientUnknown(call, manner);
    return identify(call, app, manner);
  };
};

const ofCors = [
  "access-control-allow-origin",
  "access-control-allow-credentials",
  "access-control-allow-methods",
  "access-control-allow-headers",
  "access-control-allow-private-network",
  "access-control-expose-headers",
  "access-control-max-age",
];

/** Calls for which an interceptor has said who may read the answer. Of several the first counts, as with preflights. */
const decided = new WeakSet<Call>();

export const cors: Prepare<"cors"> = (config, { stage }) => {
  const { origins, methods, headers: allowed, exposed, credentials, maxAge } = config;
  const isForAll = origins.includes("*");
  const listed = new Set(origins.map((origin) => URL.parse(origin)?.origin ?? origin));

  /** Says who may read an answer. What the destination says of it does not count. */
  const change = (call: Call, headers: Headers): boolean => {
    for (const name of ofCors) headers.delete(name);
    if (!isForAll) varyByOrigin(headers);
    const origin = call.sent.get("origin");
    if (origin === null || !(isForAll || listed.has(origin))) return false;
    headers.set("access-control-allow-origin", isForAll ? "*" : origin);
    if (credentials) headers.set("access-control-allow-credentials", "true");
    return true;
  };
  const ofAnswer = (call: Call, headers: Headers): void => {
    if (change(call, headers) && exposed.length > 0) {
      headers.set("access-control-expose-headers", exposed.join(", "));
    }
  };
  const ofPreflight = (call: Call): Stop => {
    const headers = new Headers();
    if (change(call, headers)) {
      headers.set("access-control-allow-methods", (methods.length > 0 ? methods : call.allowed).join(", "));
      if (allowed.length > 0) headers.set("access-control-allow-headers", allowed.join(", "));
      headers.set("access-control-max-age", String(maxAge));
    }
    return { code: "PREFLIGHT", answer: { status: 204, headers, body: new Body("answer", null) } };
  };

  if (stage === "request") {
    return (call) => {
      if (isPreflight(call)) return ofPreflight(call);
      if (decided.has(call)) return undefined;
      decided.add(call);
      call.onEveryAnswer.push((headers) => ofAnswer(call, headers));
      return undefined;
    };
  }
  return (call) => {
    // An answer to a preflight says more than this, whoever gave it.
    if (call.answer !== undefined && !isPreflight(call)) ofAnswer(call, call.answer.headers);
    return undefined;
  };
};

function varyByOrigin(headers: Headers): void {
  const names = (headers.get("vary") ?? "").toLowerCase().split(",");
  if (!names.some((name) => name.trim() === "*" || name.trim() === "origin")) headers.append("vary", "Origin");
}

export const requestSize: Prepare<"requestSize"> =
  ({ mostBytes }) =>
  (call) => {
    const { body } = call;
    const tooLarge = (): Stop =>
      refuse("BODY_TOO_LARGE", { detail: `At most ${mostBytes} bytes are taken.`, requestId: call.id });
    if (body.isRead) return body.bytes().then(({ byteLength }) => (byteLength > mostBytes ? tooLarge() : undefined));
    if (body.isEmpty) return undefined;
    const said = lengthIn(call.sent.get("content-length"));
    if (said !== undefined && said > mostBytes) return tooLarge();
    // Cut off on its way it would be whole to the destination, so that it is read before where it can be.
    if (said === undefined && mostBytes <= MOST_READ_BYTES && isReadable(call.sent, "request")) {
      return body.bytes().then(({ byteLength }) => (byteLength > mostBytes ? tooLarge() : undefined));
    }
    body.pass((stream) =>
      said === undefined
        ? counted(stream, mostBytes, () => (call.ended = tooLarge()))
        : // Keeps the length for the destination, and breaks a body that has another one.
          passed(stream, new FixedLengthStream(said)),
    );
    return undefined;
  };

const lengthIn = (text: string | null): number | undefined =>
  text !== null && /^\d{1,15}$/.test(text) ? Number(text) : undefined;

function counted(stream: ReadableStream<Uint8Array>, most: number, end: () => void): ReadableStream<Uint8Array> {
  let size = 0;
  const counting = new TransformStream<Uint8Array, Uint8Array>({
    transform: (chunk, out) => {
      size += chunk.byteLength;
      if (size <= most) return out.enqueue(chunk);
      end();
      return out.error(new BodyFault("BODY_TOO_LARGE", "request", true));
    },
  });
  return passed(stream, counting);
}

function passed(
  stream: ReadableStream<Uint8Array>,
  through: { readonly readable: ReadableStream<Uint8Array>; readonly writable: WritableStream<Uint8Array> },
): ReadableStream<Uint8Array> {
  // Whoever reads is told what went wrong; this promise says it once more.
  stream.pipeTo(through.writable).catch(() => undefined);
  return through.readable;
}
