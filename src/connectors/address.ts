import ipaddr from "ipaddr.js";

/** Names under which private networks are found, themselves and everything below them. */
const privateNames = [
  "localhost",
  "localdomain",
  "local",
  "internal",
  "intranet",
  "private",
  "corp",
  "home",
  "lan",
  "home.arpa",
  "svc",
  // Public names of clouds' metadata services, which resolve to link-local addresses.
  "metadata.goog",
  "metadata.tencentyun.com",
  "metadata.packet.net",
  "metadata.platformequinix.com",
];

/** Azure's metadata service: the one that has an address of the public range. */
const metadataAddresses = new Set(["168.63.129.16"]);

const globalUnicast = ipaddr.IPv6.parseCIDR("2000::/3");

const words: Readonly<Record<string, string>> = {
  unspecified: "an unspecified address",
  loopback: "a loopback address",
  private: "a private address",
  uniqueLocal: "a private address",
  linkLocal: "a link-local address",
  carrierGradeNat: "an address of carrier-grade NAT",
  multicast: "a multicast address",
  broadcast: "the broadcast address",
  ipv4Mapped: "an IPv4 address written as IPv6",
  rfc6145: "an IPv4 address written as IPv6",
  rfc6052: "an IPv4 address written as IPv6",
  "6to4": "an IPv4 address written as IPv6",
  teredo: "an IPv4 address written as IPv6",
};

/**
 * Why this address is not called. A Worker cannot resolve a name before it fetches, so a public name that leads
 * inside is not seen here; Cloudflare's edge does not route private addresses.
 */
export const refusalOfAddress = (url: URL): string | undefined => refusalOfForm(url) ?? refusalOfHost(url.hostname);

/** The part that holds even where private addresses may be called. */
export function refusalOfForm(url: URL): string | undefined {
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    return `Only http and https are called, not ${url.protocol.slice(0, -1)}.`;
  }
  if (url.username !== "" || url.password !== "") {
    return "The address holds a user or a password. Send them in a header.";
  }
  return undefined;
}

/** `host` is as the URL parser leaves it: lower case, punycode, IPv4 in four decimal parts, IPv6 in brackets. */
function refusalOfHost(host: string): string | undefined {
  const kind = kindOfAddress(host) ?? kindOfName(host);
  return kind === undefined ? undefined : `${host} is ${kind}. Only public addresses are called.`;
}

/** What an IP address is if not public; undefined for names too. */
function kindOfAddress(host: string): string | undefined {
  if (host.startsWith("[")) {
    const address = ipaddr.IPv6.parse(host.slice(1, -1));
    const range = address.range();
    if (range === "unicast" && address.match(globalUnicast)) return undefined;
    return words[range] ?? "a reserved address";
  }
  if (!ipaddr.IPv4.isValidFourPartDecimal(host)) return undefined;
  if (metadataAddresses.has(host)) return "the address of a cloud's metadata service";
  const range = ipaddr.IPv4.parse(host).range();
  return range === "unicast" ? undefined : (words[range] ?? "a reserved address");
}

function kindOfName(host: string): string | undefined {
  if (host.startsWith("[") || ipaddr.IPv4.isValidFourPartDecimal(host)) return undefined;
  if (host.endsWith(".")) return "a name that ends in a dot";
  if (!host.includes(".")) return "a name of a private network";
  const isPrivate = privateNames.some((name) => host === name || host.endsWith(`.${name}`));
  return isPrivate ? "a name of a private network" : undefined;
}
