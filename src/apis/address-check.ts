import { refusalOfAddress, refusalOfForm } from "../connectors/address.ts";
import { partsOf } from "../expressions/scan.ts";
import { faultsOfTemplate } from "../expressions/template.ts";
import { variablesIn } from "./environment.ts";
import type { AddressField } from "./interceptors/interceptor.ts";

/** Fields of the app or the token alone: what a caller sends never says where a call goes. */
export const ofCaller = /^\s*(?:app|token)(?:\.[A-Za-z_]\w{0,99}){1,5}\s*$/;
const origin = /^https?:\/\/[^/?#\\\s{}]+/i;

/**
 * What keeps a text from being an address that interceptors call, once the environment's variables stand in it. Scheme
 * and host stand in plain text; expressions come behind them. With variables that nobody knows, no more can be said.
 */
export function faultOfAddress(text: string, { https, ofCaller: takesCaller }: AddressField): string | undefined {
  const [fault] = faultsOfTemplate(text);
  if (fault !== undefined) return fault.message;
  if (variablesIn(text).length > 0) return undefined;
  const parts = partsOf(text) ?? [];
  const [first] = parts;
  if (first?.kind === "expression") {
    if (takesCaller === true && ofCaller.test(first.text)) return undefined;
    const known = takesCaller === true ? "{{env.NAME}}, {{app.fields.NAME}} or {{token.NAME}}" : "{{env.NAME}}";
    return `An address begins with a scheme and a host, or with ${known}: nothing else says where a call goes.`;
  }
  const host = origin.exec(first?.text ?? "")?.[0];
  if (host === undefined) return "Use an address such as https://service.example.com/customers.";
  if (parts.length > 1 && host === first?.text) return "Expressions stand behind the host. Put a slash between them.";
  if (https === true && !/^https:/i.test(host)) {
    return "Only https will do here. Use an address such as https://id.example.com/keys.";
  }
  const filled = parts.map((part) => (part.kind === "text" ? part.text : "x")).join("");
  if (filled.includes("#")) return "An address that is called has no fragment. Leave out the # and what follows it.";
  const url = URL.parse(filled);
  return url === null ? "The host of the address is none." : refusalOfForm(url);
}

/** Why the gateway will not call it unless the settings of the deployment let it. */
export function refusalOf(text: string): string | undefined {
  const host = origin.exec(text)?.[0];
  const url = host === undefined ? null : URL.parse(host);
  return url === null ? undefined : refusalOfAddress(url);
}
