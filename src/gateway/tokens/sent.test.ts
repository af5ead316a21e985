import { describe, expect, it } from "vitest";

import { basicIn } from "./basic.ts";
import { type Location, tokenFinder } from "./location.ts";

describe("Basic credentials", () => {
  it.each<[string | null, ReturnType<typeof basicIn>]>([
    [`Basic ${btoa("id:secret")}`, { id: "id", secret: "secret" }],
    [`bASIC   ${btoa("id:se:cret")}`, { id: "id", secret: "se:cret" }],
    [`Basic ${btoa(":")}`, { id: "", secret: "" }],
    [`Basic ${btoa("no colon")}`, undefined],
    [`Basic ${btoa("id:secret")}, Basic ${btoa("id:secret")}`, undefined],
    [`Basic ${btoa(`id:${"x".repeat(3000)}`)}`, undefined],
    [`Bearer ${btoa("id:secret")}`, undefined],
    ["Basic a", undefined],
    ["Basic ", undefined],
    ["", undefined],
    [null, undefined],
  ])("of %s are %o", (value, found) => {
    expect(basicIn(value)).toEqual(found);
  });
});

const none = "none";
const twice = "It is sent more than once.";

describe("a token", () => {
  it.each<[Location, string | undefined, Record<string, string>, string, string]>([
    ["header", undefined, { authorization: "Bearer a.b.c" }, "", "a.b.c"],
    ["header", undefined, { authorization: "bearer  a" }, "", "a"],
    ["header", undefined, { authorization: "a" }, "", none],
    ["header", undefined, { authorization: "Bearer a, Bearer b" }, "", none],
    ["header", undefined, { authorization: "Bearer" }, "?access_token=a", none],
    ["header", "Authorization", { authorization: "a" }, "", none],
    ["header", "x-token", { "x-token": "a" }, "", "a"],
    ["header", "x-token", { "x-token": "Bearer a" }, "", "a"],
    ["header", "x-token", { authorization: "Bearer a" }, "", none],
    ["header", "x-token", { "x-token": "a, b" }, "", none],
    ["cookie", undefined, { cookie: "access_token=a" }, "", "a"],
    ["cookie", undefined, { cookie: 'b=c; access_token="a" ;d' }, "", "a"],
    ["cookie", undefined, { cookie: "access_token=a=b" }, "", "a=b"],
    ["cookie", undefined, { cookie: "Access_Token=a; xaccess_token=b" }, "", none],
    ["cookie", undefined, { cookie: "access_token=a; access_token=a" }, "", twice],
    ["cookie", "t", { cookie: "t=a; access_token=b" }, "", "a"],
    ["cookie", undefined, { authorization: "Bearer a" }, "", none],
    ["query", undefined, {}, "?access_token=a&x=b", "a"],
    ["query", undefined, {}, "?access%5Ftoken=a", "a"],
    ["query", undefined, {}, "?access_token=", none],
    ["query", undefined, {}, "?access_token=a&access_token=b", twice],
    ["query", "t", {}, "?t=a&access_token=b", "a"],
    ["header_or_cookie", undefined, { authorization: "Bearer a", cookie: "access_token=b" }, "", "a"],
    ["header_or_cookie", undefined, { authorization: "Basic a", cookie: "access_token=b" }, "", "b"],
    ["header_or_cookie", undefined, {}, "?access_token=a", none],
    ["any", undefined, { cookie: "access_token=b" }, "?access_token=a", "b"],
    ["any", undefined, {}, "?access_token=a", "a"],
    ["any", "t", { t: "a" }, "?t=b", "a"],
    ["any", undefined, {}, "", none],
  ])("in %s %s of %o %s is %s", (location, name, headers, sentQuery, expected) => {
    const found = tokenFinder(location, name)({ sent: new Headers(headers), sentQuery });
    const said = "token" in found ? found.token : found.isMissing ? none : found.fault;
    expect(said).toBe(expected);
  });
});
