import type { Call, Prepare } from "../call.ts";
import { textMaker } from "../see.ts";
import type { Recorder } from "../trace.ts";
import { collect } from "../trace/collect.ts";

/** Writes into the trace of the call. Of a call without one it costs nothing, and reads nothing. */
export const log: Prepare<"log"> = ({ level, message, headers, body }, { stage }) => {
  const made = message === undefined ? undefined : textMaker(message);
  const seen = ({ headers: sent, answer }: Call): Headers =>
    stage === "response" && answer !== undefined ? answer.headers : sent;
  const write = async (call: Call, trace: Recorder): Promise<undefined> => {
    trace.log({
      level,
      message: await made?.(call, stage),
      ...(headers ? { headers: [...seen(call)] } : {}),
      ...(body ? { body: await (stage === "request" ? ofRequest(call) : ofAnswer(call)) } : {}),
    });
    return undefined;
  };
  return (call) => (call.trace === undefined ? undefined : write(call, call.trace));
};

/** Its length and its encoding are those that it was sent with, whatever interceptors say. */
const ofRequest = ({ body, sent, headers }: Call) => collect(body, body.isChanged ? headers : sent, "request");

async function ofAnswer({ answer }: Call) {
  const { body, headers } = answer!;
  const isStream = !body.isRead && !body.isEmpty;
  const collected = await collect(body, headers, "answer");
  // Who looks into a stream gets it decoded, and so does everybody behind.
  if (isStream && collected.missing === undefined) headers.delete("content-encoding");
  return collected;
}

/** Hides by standing in the chain (`hidingOf`), also behind what stops the call: there is nothing to do on the way. */
export const logObfuscation: Prepare<"logObfuscation"> = () => () => undefined;
