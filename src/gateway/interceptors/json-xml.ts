import type { Stage } from "../../apis/interceptors.ts";
import type { Call, Outcome, Prepare } from "../call.ts";
import { parseExactly } from "../exact-json.ts";
import { jsonOf, messageOf } from "../json-body.ts";
import { InterceptorFault, type RefusalCode, refuse } from "../refusal.ts";
import { XmlFault } from "../xml/events.ts";
import { jsonToXml, NoXml } from "../xml/from-json.ts";
import { xmlToJson } from "../xml/to-json.ts";
import { isXml } from "../xml/type.ts";

export const jsonXml: Prepare<"jsonXml"> = ({ to, ...naming }, { stage }) => {
  if (to === "xml") {
    return async (call) => {
      const found = await jsonOf(call, stage, parseExactly);
      if (found === undefined || "answer" in found) return found;
      const { json } = found;
      return made(call, stage, "application/xml", () => jsonToXml(json, naming));
    };
  }
  return async (call) => {
    const { headers, body } = messageOf(call, stage);
    if (body.isEmpty || !isXml(headers)) return undefined;
    const text = await body.text();
    if (text.trim() === "") return undefined;
    return made(call, stage, "application/json", () => JSON.stringify(xmlToJson(text, naming)));
  };
};

/** Puts what is made in the body's place. A client is told why not; of an answer, the author of the API is. */
function made(call: Call, stage: Stage, type: string, make: () => string): Outcome {
  try {
    const { headers, body } = messageOf(call, stage);
    body.replace(make());
    headers.set("content-type", type);
    return undefined;
  } catch (cause) {
    const code: RefusalCode | undefined =
      cause instanceof XmlFault ? "XML_REFUSED" : cause instanceof NoXml ? "JSON_REFUSED" : undefined;
    if (code === undefined) throw cause;
    const detail = (cause as Error).message;
    if (stage === "request") return refuse(code, { detail, requestId: call.id });
    throw new InterceptorFault(`The answer cannot be made into another format. ${detail}`);
  }
}
