import ipaddr from "ipaddr.js";

/** The address of a sender, of IPv6 the network. Only what Cloudflare says counts; elsewhere there is none. */
export const senderOf = (headers: Headers): string | undefined =>
  senderOfAddress(headers.get("cf-connecting-ip") ?? "");

/** The same of an address; undefined if it is none. */
export function senderOfAddress(text: string): string | undefined {
  if (!ipaddr.isValid(text)) return undefined;
  const address = ipaddr.process(text);
  return address instanceof ipaddr.IPv6 ? address.parts.slice(0, 4).join(":") : address.toString();
}
