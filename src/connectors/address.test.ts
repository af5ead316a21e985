import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { refusalOfAddress, refusalOfForm } from "./address.ts";

const hex = (part: number) => part.toString(16);
const refusal = (address: string): string | undefined => refusalOfAddress(new URL(address));

describe("an address that is called", () => {
  it.each([
    "https://api.example.com/orders?limit=5",
    "http://api.example.com",
    "https://api.example.com:8443/",
    "http://api.example.com:6379/",
    "https://8.8.8.8/",
    "https://1.1.1.1:8080/",
    "https://9.255.255.255/",
    "https://11.0.0.0/",
    "https://100.63.255.255/",
    "https://100.128.0.0/",
    "https://172.15.255.255/",
    "https://172.32.0.0/",
    "https://192.167.255.255/",
    "https://192.169.0.0/",
    "https://169.253.255.255/",
    "https://198.17.255.255/",
    "https://198.20.0.0/",
    "https://223.255.255.255/",
    "https://168.63.129.17/",
    "https://[2606:4700:4700::1111]/",
    "https://[2a00:1450:4001:80b::200e]/",
    "https://münchen.example/",
    "https://localhost.example.com/",
    "https://notlocalhost.com/",
    "https://mylocal.io/",
    "https://notmetadata.goog/",
    "https://internal.example.com/",
    "https://local.de/",
    "https://10.0.0.1.example.com/",
    "https://example.homes/",
  ])("%s", (address) => {
    expect(refusal(address)).toBeUndefined();
  });
});

describe("an address of another form", () => {
  it.each([
    ["ftp://example.com/", "ftp"],
    ["file:///etc/passwd", "file"],
    ["data:text/plain,x", "data"],
    ["javascript:alert(1)", "javascript"],
    ["ws://example.com/", "ws"],
    ["wss://example.com/", "wss"],
    ["gopher://example.com/", "gopher"],
    ["blob:https://example.com/1", "blob"],
  ])("%s is refused by its scheme", (address, scheme) => {
    expect(refusal(address)).toBe(`Only http and https are called, not ${scheme}.`);
    expect(refusalOfForm(new URL(address))).toBeDefined();
  });

  it.each(["https://ada:s3cret@example.com/", "https://ada@example.com/", "https://:s3cret@example.com/"])(
    "%s is refused by who it names, who is not told",
    (address) => {
      expect(refusal(address)).toBe("The address holds a user or a password. Send them in a header.");
      expect(refusalOfForm(new URL(address))).toBeDefined();
    },
  );
});

describe("an IPv4 address that is not public", () => {
  it.each([
    ["127.0.0.1", "a loopback address"],
    ["127.255.255.254", "a loopback address"],
    ["0.0.0.0", "an unspecified address"],
    ["0.1.2.3", "an unspecified address"],
    ["10.0.0.0", "a private address"],
    ["10.255.255.255", "a private address"],
    ["172.16.0.0", "a private address"],
    ["172.31.255.255", "a private address"],
    ["192.168.0.1", "a private address"],
    ["192.168.255.255", "a private address"],
    ["169.254.0.1", "a link-local address"],
    ["169.254.169.254", "a link-local address"],
    ["100.64.0.0", "an address of carrier-grade NAT"],
    ["100.100.100.200", "an address of carrier-grade NAT"],
    ["100.127.255.255", "an address of carrier-grade NAT"],
    ["192.0.0.192", "a reserved address"],
    ["192.0.2.1", "a reserved address"],
    ["198.51.100.7", "a reserved address"],
    ["203.0.113.9", "a reserved address"],
    ["198.18.0.0", "a reserved address"],
    ["198.19.255.255", "a reserved address"],
    ["192.88.99.1", "a reserved address"],
    ["224.0.0.1", "a multicast address"],
    ["239.255.255.250", "a multicast address"],
    ["240.0.0.1", "a reserved address"],
    ["255.255.255.255", "the broadcast address"],
    ["168.63.129.16", "the address of a cloud's metadata service"],
  ])("%s is %s", (host, kind) => {
    expect(refusal(`http://${host}/latest/meta-data?token=t0p`)).toBe(
      `${host} is ${kind}. Only public addresses are called.`,
    );
  });

  it.each([
    ["decimal", "2130706433", "127.0.0.1"],
    ["hexadecimal", "0x7f000001", "127.0.0.1"],
    ["hexadecimal in parts", "0x7F.0.0.0x1", "127.0.0.1"],
    ["octal", "017700000001", "127.0.0.1"],
    ["octal in parts", "0177.0.0.01", "127.0.0.1"],
    ["one part", "0", "0.0.0.0"],
    ["two parts", "127.1", "127.0.0.1"],
    ["three parts", "192.168.1", "192.168.0.1"],
    ["mixed", "0xa9.254.0251.254", "169.254.169.254"],
    ["with a dot at the end", "127.0.0.1.", "127.0.0.1"],
    ["decimal with a dot at the end", "2130706433.", "127.0.0.1"],
    ["full-width digits", "１２７.０.０.１", "127.0.0.1"],
    ["ideographic full stops", "127。0。0。1", "127.0.0.1"],
    ["half-width full stops", "127｡0｡0｡1", "127.0.0.1"],
    ["circled digits", "①②⑦.⓪.⓪.①", "127.0.0.1"],
    ["percent-encoded", "%31%32%37.0.0.1", "127.0.0.1"],
    ["percent-encoded dots", "10%2e0%2e0%2e1", "10.0.0.1"],
    ["a soft hyphen within", "127.0.0\u00ad.1", "127.0.0.1"],
    ["a line break within", "127.0.\n0.1", "127.0.0.1"],
  ])("written %s is refused: %s", (_, written, host) => {
    expect(refusal(`http://${written}/`)).toMatch(new RegExp(`^${host.replaceAll(".", "\\.")} is an? `));
  });

  it("is refused in any spelling, and mapped into IPv6 whatever it is", () => {
    fc.assert(
      fc.property(fc.nat(255), fc.nat(255), fc.nat(255), (b, c, d) => {
        for (const a of [0, 10, 127, 224, 240, 255]) {
          const whole = ((a * 256 + b) * 256 + c) * 256 + d;
          expect(refusal(`http://${whole}/`)).toBeDefined();
          expect(refusal(`http://0x${hex(whole)}/`)).toBeDefined();
          expect(refusal(`http://0${whole.toString(8)}/`)).toBeDefined();
        }
        const high = hex(8 * 256 + b);
        const low = hex(c * 256 + d);
        for (const prefix of ["::ffff:", "::ffff:0:", "::", "64:ff9b::", "64:ff9b:1::"]) {
          expect(refusal(`http://[${prefix}${high}:${low}]/`)).toBeDefined();
        }
        expect(refusal(`http://[2002:${high}:${low}::1]/`)).toBeDefined();
      }),
    );
  });
});

describe("an IPv6 address that is not public", () => {
  it.each([
    ["[::]", "an unspecified address"],
    ["[::1]", "a loopback address"],
    ["[0:0:0:0:0:0:0:1]", "a loopback address"],
    ["[fe80::1]", "a link-local address"],
    ["[febf::1]", "a link-local address"],
    ["[fec0::1]", "a reserved address"],
    ["[fc00::1]", "a private address"],
    ["[fd00:ec2::254]", "a private address"],
    ["[fd20:ce::254]", "a private address"],
    ["[ff02::1]", "a multicast address"],
    ["[2001:db8::1]", "a reserved address"],
    ["[3fff::1]", "a reserved address"],
    ["[2001:2::1]", "a reserved address"],
    ["[2001:20::1]", "a reserved address"],
    ["[100::1]", "a reserved address"],
    ["[5f00::1]", "a reserved address"],
    ["[4000::1]", "a reserved address"],
    ["[::ffff:127.0.0.1]", "an IPv4 address written as IPv6"],
    ["[::ffff:7f00:1]", "an IPv4 address written as IPv6"],
    ["[::FFFF:A9FE:A9FE]", "an IPv4 address written as IPv6"],
    ["[::ffff:8.8.8.8]", "an IPv4 address written as IPv6"],
    ["[::ffff:0:127.0.0.1]", "an IPv4 address written as IPv6"],
    ["[::127.0.0.1]", "a reserved address"],
    ["[64:ff9b::7f00:1]", "an IPv4 address written as IPv6"],
    ["[64:ff9b::169.254.169.254]", "an IPv4 address written as IPv6"],
    ["[64:ff9b:1::10.0.0.1]", "an IPv4 address written as IPv6"],
    ["[2002:7f00:1::]", "an IPv4 address written as IPv6"],
    ["[2002:a00:1::1]", "an IPv4 address written as IPv6"],
    ["[2001:0:4136:e378:8000:63bf:3fff:fdd2]", "an IPv4 address written as IPv6"],
  ])("%s is %s", (host, kind) => {
    expect(refusal(`http://${host}/`)).toContain(` is ${kind}. Only public`);
  });
});

describe("a name of a private network", () => {
  it.each([
    "localhost",
    "LOCALHOST",
    "localhost:8787",
    "app.localhost",
    "ｌｏｃａｌｈｏｓｔ",
    "ⓛocalhost",
    "%6cocalhost",
    "app。localhost",
    "localhost.localdomain",
    "printer.local",
    "metadata.google.internal",
    "METADATA.google.Internal",
    "router.home.arpa",
    "home.arpa",
    "nas.lan",
    "wiki.corp",
    "kubernetes.default.svc",
    "db.cluster.local",
    "metadata",
    "router",
    "münchen",
    "metadata.goog",
    "metadata.tencentyun.com",
  ])("%s is refused", (host) => {
    expect(refusal(`https://${host}/path`)).toMatch(/ is a name of a private network\. Only public/);
  });

  it.each(["localhost.", "router.", "printer.local.", "metadata.google.internal.", "localhost..", "api.example.com."])(
    "%s is refused for its dot",
    (host) => {
      expect(refusal(`https://${host}/`)).toContain(" is a name that ends in a dot. ");
    },
  );
});
