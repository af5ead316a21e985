import ipaddr from "ipaddr.js";

/** The address of a sender, of IPv6 the network. Only what Cloudflare says counts; elsewhere there is none. */
export function senderOf(headers: Headers): string | undefined {
  const text = headers.get("cf-connecting-ip");
  if (text === null || !ipaddr.isValid(text)) return undefined;
  const address = ipaddr.process(text);
  return address instanceof ipaddr.IPv6 ? address.parts.slice(0, 4).join(":") : address.toString();
}
