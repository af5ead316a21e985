import * as fc from "fast-check";
import ipaddr from "ipaddr.js";
import { describe, expect, it } from "vitest";

import { callerOf, compileRanges, faultsOfRanges, inRanges } from "./client-ip.ts";

const proxies = compileRanges(["10.0.0.0/8", "192.0.2.1", "2001:db8:1::/48"]);
const none = compileRanges([]);
const call = (peer: string | undefined, forwarded?: string) =>
  new Headers({
    ...(peer === undefined ? {} : { "cf-connecting-ip": peer }),
    ...(forwarded === undefined ? {} : { "x-forwarded-for": forwarded }),
  });

describe("the client of a call", () => {
  it.each<[peer: string | undefined, forwarded: string | undefined, address: string | undefined, chain: string[]]>([
    ["203.0.113.7", undefined, "203.0.113.7", ["203.0.113.7"]],
    ["203.0.113.7", "10.0.0.1", "203.0.113.7", ["203.0.113.7"]],
    ["203.0.113.7", "rubbish", "203.0.113.7", ["203.0.113.7"]],
    ["2001:DB8:0:0::7", undefined, "2001:db8::7", ["2001:db8::7"]],
    ["::ffff:203.0.113.7", undefined, "203.0.113.7", ["203.0.113.7"]],
    ["::ffff:cb00:7107", undefined, "203.0.113.7", ["203.0.113.7"]],
    [undefined, "203.0.113.7", undefined, []],
    ["", "203.0.113.7", undefined, []],
    ["unknown", "203.0.113.7", undefined, []],
    ["203.0.113.7, 203.0.113.8", undefined, undefined, []],
    ["203.0.113.07", undefined, undefined, []],
    ["0xcb.0.113.7", undefined, undefined, []],
    ["3405803783", undefined, undefined, []],
    ["fe80::1%eth0", undefined, undefined, []],
    ["203.0.113.7:80", undefined, undefined, []],
    // Through proxies.
    ["10.0.0.1", undefined, "10.0.0.1", ["10.0.0.1"]],
    ["10.0.0.1", "198.51.100.1", "198.51.100.1", ["198.51.100.1", "10.0.0.1"]],
    ["10.0.0.1", "1.1.1.1, 198.51.100.1", "198.51.100.1", ["198.51.100.1", "10.0.0.1"]],
    ["10.0.0.1", "8.8.8.8, 198.51.100.1 ,10.9.9.9", "198.51.100.1", ["198.51.100.1", "10.9.9.9", "10.0.0.1"]],
    ["10.0.0.1", "198.51.100.1, 10.0.0.1", "198.51.100.1", ["198.51.100.1", "10.0.0.1"]],
    ["10.0.0.1", "10.0.0.2, 10.0.0.3", "10.0.0.2", ["10.0.0.2", "10.0.0.3", "10.0.0.1"]],
    ["::ffff:10.0.0.1", "::ffff:198.51.100.1", "198.51.100.1", ["198.51.100.1", "10.0.0.1"]],
    ["2001:db8:1::9", "2001:db8:2::1", "2001:db8:2::1", ["2001:db8:2::1", "2001:db8:1::9"]],
    ["10.0.0.1", "198.51.100.1:4711", "198.51.100.1", ["198.51.100.1", "10.0.0.1"]],
    ["10.0.0.1", "[2001:db8:2::1]:4711", "2001:db8:2::1", ["2001:db8:2::1", "10.0.0.1"]],
    ["10.0.0.1", "[2001:db8:2::1]", "2001:db8:2::1", ["2001:db8:2::1", "10.0.0.1"]],
    ["10.0.0.1", "rubbish, 198.51.100.1", "198.51.100.1", ["198.51.100.1", "10.0.0.1"]],
    ["10.0.0.1", "198.51.100.1, rubbish", undefined, ["10.0.0.1"]],
    ["10.0.0.1", "198.51.100.1, unknown, 10.0.0.2", undefined, ["10.0.0.1"]],
    ["10.0.0.1", "198.51.100.1,", undefined, ["10.0.0.1"]],
    ["10.0.0.1", "", undefined, ["10.0.0.1"]],
    ["192.0.2.1", "192.0.2.2", "192.0.2.2", ["192.0.2.2", "192.0.2.1"]],
  ])("%s with %j is %s", (peer, forwarded, address, chain) => {
    const viaProxy = peer !== undefined && /^(::ffff:)?10\.|^192\.0\.2\.1$|^2001:db8:1:/.test(peer);
    expect(callerOf(call(peer, forwarded), proxies)).toEqual({ address, chain, viaProxy });
  });

  it("is whoever connected where no proxy is configured", () => {
    expect(callerOf(call("10.0.0.1", "198.51.100.1"), none)).toEqual({
      address: "10.0.0.1",
      chain: ["10.0.0.1"],
      viaProxy: false,
    });
  });

  it("is never chosen by what the client sends", () => {
    const sent = fc.array(fc.constantFrom("10.0.0.9", "1.1.1.1", "x", "", "::1", "192.0.2.1"), { maxLength: 6 });
    const stays = fc.property(sent, (entries) => {
      const forwarded = [...entries, "198.51.100.1", "10.0.0.2"].join(", ");
      expect(callerOf(call("10.0.0.1", forwarded), proxies).chain).toEqual(["198.51.100.1", "10.0.0.2", "10.0.0.1"]);
      expect(callerOf(call("198.51.100.1", forwarded), proxies).chain).toEqual(["198.51.100.1"]);
    });
    fc.assert(stays);
  });
});

describe("an address in ranges", () => {
  it.each<[address: string | undefined, ranges: string[], isIn: boolean]>([
    ["10.0.0.0", ["10.0.0.0/8"], true],
    ["10.255.255.255", ["10.0.0.0/8"], true],
    ["11.0.0.0", ["10.0.0.0/8"], false],
    ["9.255.255.255", ["10.0.0.0/8"], false],
    ["10.1.2.3", ["10.9.9.9/8"], true],
    ["203.0.113.7", ["203.0.113.7"], true],
    ["203.0.113.8", ["203.0.113.7"], false],
    ["203.0.113.7", ["203.0.113.6/31"], true],
    ["203.0.113.8", ["203.0.113.6/31"], false],
    ["203.0.113.127", ["203.0.113.0/25"], true],
    ["203.0.113.128", ["203.0.113.0/25"], false],
    ["1.2.3.4", ["0.0.0.0/0"], true],
    ["::1", ["0.0.0.0/0"], false],
    ["1.2.3.4", ["::/0"], false],
    ["::ffff:1.2.3.4", ["::/0"], false],
    ["2001:db8::1", ["::/0"], true],
    ["::ffff:10.1.1.1", ["10.0.0.0/8"], true],
    ["10.1.1.1", ["::ffff:10.0.0.0/104"], true],
    ["11.1.1.1", ["::ffff:10.0.0.0/104"], false],
    ["10.0.0.1", ["::ffff:10.0.0.1"], true],
    ["2001:db8::ffff", ["2001:DB8::/32"], true],
    ["2001:db9::", ["2001:db8::/32"], false],
    ["2001:db8::2", ["2001:db8::1"], false],
    ["2001:db8:0:7fff::", ["2001:db8::/49"], true],
    ["2001:db8:0:8000::", ["2001:db8::/49"], false],
    ["10.0.0.1", [], false],
    [undefined, ["0.0.0.0/0", "::/0"], false],
    ["", ["0.0.0.0/0"], false],
    ["rubbish", ["0.0.0.0/0", "::/0"], false],
    ["010.0.0.1", ["0.0.0.0/0"], false],
    ["10.0.0.1 ", ["0.0.0.0/0"], false],
    ["10.1", ["0.0.0.0/0"], false],
  ])("%s in %j: %s", (address, ranges, isIn) => {
    expect(inRanges(address, compileRanges(ranges))).toBe(isIn);
  });

  it("is what the library says of each range by itself", () => {
    const byte = fc.constantFrom(0, 1, 2, 127, 128, 255);
    const v4 = fc.array(byte, { minLength: 4, maxLength: 4 }).map((bytes) => bytes.join("."));
    const part = fc.constantFrom("0", "1", "8000", "ffff");
    const v6 = fc.array(part, { minLength: 7, maxLength: 7 }).map((parts) => `2001:${parts.join(":")}`);
    const range = fc.oneof(
      fc.tuple(v4, fc.nat(32)).map(([address, bits]) => `${address}/${bits}`),
      fc.tuple(v6, fc.nat(128)).map(([address, bits]) => `${address}/${bits}`),
      v4,
    );
    let hits = 0;
    const same = fc.property(fc.array(range, { maxLength: 6 }), fc.oneof(v4, v6), (ranges, address) => {
      const parsed = ipaddr.parse(address);
      const expected = ranges.some((one) => {
        const [low, bits] = one.includes("/") ? ipaddr.parseCIDR(one) : [ipaddr.parse(one), 32];
        return low.kind() === parsed.kind() && parsed.match(low, bits);
      });
      if (expected) hits += 1;
      expect(inRanges(address, compileRanges(ranges))).toBe(expected);
    });
    fc.assert(same, { numRuns: 2000 });
    expect(hits).toBeGreaterThan(200);
  });
});

it("tells ranges that are none with their place", () => {
  const fine = ["10.0.0.0/8", "203.0.113.7", "::/0", "2001:db8::/32", "::ffff:10.0.0.0/96"];
  const wrong = [
    "",
    "10.0.0.0/33",
    "10.0.0.0/",
    "10.0.0.0/08",
    "10.0.0.0/-1",
    "10.0.0/8",
    "010.0.0.0/8",
    "256.0.0.1",
    "10.0.0.0-10.0.0.9",
    "10.0.0.*",
    "::/129",
    "fe80::1%1/64",
    "::ffff:10.0.0.0/95",
    "2001:db8:::/32",
    "example.com",
    " 10.0.0.1",
    "a",
  ];
  expect(faultsOfRanges(fine)).toEqual([]);
  expect(faultsOfRanges([...fine, ...wrong]).map(({ index }) => index)).toEqual(wrong.map((_, at) => fine.length + at));
  expect(() => compileRanges([fine[0]!, "x"])).toThrow(/^Range 1: This is neither/);
});
