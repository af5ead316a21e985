import type { Prepare } from "../call.ts";
import { jsonFinding, type JsonLimits } from "../json-threat.ts";
import { isJson } from "../json-body.ts";
import { refuse } from "../refusal.ts";
import { xmlFinding } from "../xml/threat.ts";
import { isXml } from "../xml/type.ts";

export const jsonThreat: Prepare<"jsonThreat"> = (limits) => async (call) => {
  if (call.body.isEmpty || !isJson(call.headers)) return undefined;
  const text = await call.body.text();
  const found = text.trim() === "" ? undefined : jsonFinding(text, limits);
  if (found === undefined) return undefined;
  const why = found.limit === undefined ? "It is no JSON" : `It is above ${found.limit}${most(found.limit, limits)}`;
  return refuse("JSON_REFUSED", { detail: `${why}, at character ${found.at}.`, requestId: call.id });
};

const most = (limit: keyof JsonLimits, limits: JsonLimits): string => `, which is ${limits[limit]}`;

export const xmlThreat: Prepare<"xmlThreat"> = (limits) => async (call) => {
  if (call.body.isEmpty || !isXml(call.headers)) return undefined;
  const text = await call.body.text();
  const found = text.trim() === "" ? undefined : xmlFinding(text, limits);
  if (found === undefined) return undefined;
  return refuse("XML_REFUSED", { detail: found.message, requestId: call.id });
};
