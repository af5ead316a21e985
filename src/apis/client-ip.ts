import ipaddr from "ipaddr.js";

/** Addresses, compiled to be asked again and again: bounds that overlap nowhere, in order. */
export interface Ranges {
  readonly lows: readonly string[];
  readonly highs: readonly string[];
}

export interface RangeFault {
  readonly index: number;
  readonly message: string;
}

/** Who calls, as far as it can be told. Whoever judges by an address refuses a caller without one. */
export interface Caller {
  /** The client's, canonical; an IPv4 address is never written as IPv6. Undefined if unknown or malformed. */
  readonly address: string | undefined;
  /** From the client to whoever connected to us: what can be vouched for, and nothing that the client said itself. */
  readonly chain: readonly string[];
  /** Whether a configured proxy connected to us, so that its X-Forwarded-Proto and -Host count too. */
  readonly viaProxy: boolean;
}

type Address = ipaddr.IPv4 | ipaddr.IPv6;

export function faultsOfRanges(ranges: readonly string[]): RangeFault[] {
  const message = "This is neither an address nor a range. Write one such as 203.0.113.7, 10.0.0.0/8 or 2001:db8::/32.";
  return ranges.flatMap((range, index) => (boundsOf(range) === undefined ? [{ index, message }] : []));
}

/** Compiles addresses and ranges (CIDR). The bits behind a prefix do not count: 10.1.2.3/8 is 10.0.0.0/8. */
export function compileRanges(ranges: readonly string[]): Ranges {
  const [fault] = faultsOfRanges(ranges);
  if (fault !== undefined) throw new TypeError(`Range ${fault.index}: ${fault.message}`);
  const all = ranges.flatMap((range) => boundsOf(range) ?? []).toSorted((one, other) => (one.low < other.low ? -1 : 1));
  const lows: string[] = [];
  const highs: string[] = [];
  for (const { low, high } of all) {
    const before = highs.at(-1);
    if (before === undefined || before < low) {
      lows.push(low);
      highs.push(high);
    } else if (before < high) highs[highs.length - 1] = high;
  }
  return { lows, highs };
}

/** Whether an address is in one of the ranges; one that is unknown or malformed is in none. */
export function inRanges(address: string | undefined, ranges: Ranges): boolean {
  const key = keyOfText(address ?? "");
  return key !== undefined && holdsKey(ranges, key);
}

/** The client of a request: who connected to Cloudflare, or who a configured proxy says connected to it. */
export function callerOf(headers: Headers, proxies: Ranges): Caller {
  const said = headers.get("cf-connecting-ip")?.trim() ?? "";
  if (proxies.lows.length === 0) return plainCaller(said);
  const peer = addressIn(said);
  if (peer === undefined) return { address: undefined, chain: [], viaProxy: false };
  const named = peer.toString();
  if (!holds(proxies, peer)) return { address: named, chain: [named], viaProxy: false };
  const { address, between } = beforeProxies(headers.get("x-forwarded-for"), proxies);
  // Cloudflare itself may have added the peer to the list.
  const via = between.at(-1) === named ? between : [...between, named];
  if (address === undefined) return { address, chain: [named], viaProxy: true };
  return { address: address ?? via[0], chain: address === null ? via : [address, ...via], viaProxy: true };
}

const MOST_REMEMBERED = 1000;
const known = new Map<string, Caller>();

/** Where nobody is believed but Cloudflare, the same address always is the same caller. */
function plainCaller(said: string): Caller {
  const found = known.get(said);
  if (found !== undefined) return found;
  const address = addressIn(said)?.toString();
  const caller = { address, chain: address === undefined ? [] : [address], viaProxy: false };
  if (known.size >= MOST_REMEMBERED) known.clear();
  known.set(said, caller);
  return caller;
}

/** From the right the first address that is no proxy's; null if all are, undefined if a malformed one is in the way. */
function beforeProxies(forwarded: string | null, proxies: Ranges): { address?: string | null; between: string[] } {
  const entries = forwarded === null ? [] : forwarded.split(",");
  const between: string[] = [];
  for (const entry of entries.toReversed()) {
    const parsed = addressIn(withoutPort(entry.trim()));
    if (parsed === undefined) return { between };
    if (!holds(proxies, parsed)) return { address: parsed.toString(), between };
    between.unshift(parsed.toString());
  }
  return { address: null, between };
}

/** Some proxies tell the port as well: `192.0.2.1:4711`, `[2001:db8::1]:4711`. */
function withoutPort(entry: string): string {
  const [, v6, v4] = /^(?:\[([\da-f:.]+)\](?::\d{1,5})?|([\d.]+):\d{1,5})$/i.exec(entry) ?? [];
  return v6 ?? v4 ?? entry;
}

/** Only the one way to write IPv4 that everybody reads alike, and no zone of IPv6. */
function addressIn(text: string): Address | undefined {
  if (text.length > 45) return undefined;
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text);
  if (!text.includes(":") || text.includes("%") || !ipaddr.IPv6.isValid(text)) return undefined;
  const address = ipaddr.IPv6.parse(text);
  return address.isIPv4MappedAddress() ? address.toIPv4Address() : address;
}

const keys = new Map<string, string | undefined>();

/** The same callers come again and again. */
function keyOfText(text: string): string | undefined {
  if (keys.has(text)) return keys.get(text);
  const address = addressIn(text);
  const key = address && keyOf(address.toByteArray());
  if (keys.size >= MOST_REMEMBERED) keys.clear();
  keys.set(text, key);
  return key;
}

const holds = (ranges: Ranges, address: Address): boolean => holdsKey(ranges, keyOf(address.toByteArray()));

function holdsKey({ lows, highs }: Ranges, key: string): boolean {
  let from = 0;
  let to = lows.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (lows[middle]! <= key) from = middle + 1;
    else to = middle;
  }
  return from > 0 && key <= highs[from - 1]!;
}

/** The lowest and highest address of a range. A range of mapped addresses is one of IPv4; ::/0 is IPv6 alone. */
function boundsOf(range: string): { low: string; high: string } | undefined {
  const [, text = "", written] = /^([\da-f:.]{2,45})(?:\/(0|[1-9]\d{0,2}))?$/i.exec(range) ?? [];
  const address = addressIn(text);
  if (address === undefined) return undefined;
  const bytes = address.toByteArray();
  const most = bytes.length * 8;
  const isMapped = bytes.length === 4 && text.includes(":");
  const bits = written === undefined ? most : Number(written) - (isMapped ? 96 : 0);
  if (bits < 0 || bits > most) return undefined;
  const mask = bytes.map((_, at) => 255 & ~(255 >> Math.min(8, Math.max(0, bits - at * 8))));
  return {
    low: keyOf(bytes.map((byte, at) => byte & mask[at]!)),
    high: keyOf(bytes.map((byte, at) => byte | (255 & ~mask[at]!))),
  };
}

/** Text of one length for each family, so that its order is that of the addresses. */
const keyOf = (bytes: readonly number[]): string =>
  `${bytes.length === 4 ? 4 : 6}${bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
