import { describe, expect, it } from "vitest";

import { issueToken, readToken } from "./token.ts";

const OLD = "an old key of at least thirty-two characters";
const NEW = "a newer key of at least thirty-two characters";
const NOW = 1_795_000_000_000;
const HOUR_MS = 3600_000;
const keys = (...EXECUTION_KEY: string[]) => ({ EXECUTION_KEY });
const issue = (by: string[], more: { function?: string } = {}, now = NOW) =>
  issueToken(keys(...by), { execution: "e1", ...more }, now, now + HOUR_MS);
const partOf = (token: string, index: number): unknown => JSON.parse(atob(token.split(".")[index]!));

describe("a token", () => {
  it("is a JWT as the seed's sample is", async () => {
    const token = await issue([OLD]);
    expect(partOf(token, 0)).toEqual({ alg: "HS256" });
    expect(partOf(token, 1)).toEqual({ jti: "e1", sub: "executor", iat: NOW / 1000, exp: NOW / 1000 + 3600 });
  });

  it.each([
    ["of the execution", {}, { execution: "e1" }],
    ["of a function", { function: "f1" }, { execution: "e1", function: "f1" }],
  ])("%s opens what it was issued for", async (_, more, ticket) => {
    expect(await readToken(keys(OLD), `Bearer ${await issue([OLD], more)}`, NOW)).toEqual(ticket);
  });

  it.each([
    [[OLD], [OLD], true],
    [[OLD], [NEW, OLD], true],
    [[OLD], [NEW], false],
    [[NEW, OLD], [NEW], true],
    [[NEW, OLD], [OLD], false],
    [[OLD], [], false],
  ])("signed under %j is read under %j: %j", async (signing, reading, opens) => {
    const ticket = await readToken(keys(...reading), `Bearer ${await issue(signing)}`, NOW);
    expect(ticket !== undefined).toBe(opens);
  });

  it.each([
    [-HOUR_MS, true],
    [0, true],
    [HOUR_MS - 1, true],
    [HOUR_MS, false],
    [2 * HOUR_MS, false],
  ])("%i ms after it was issued opens: %j", async (later, opens) => {
    expect((await readToken(keys(OLD), `Bearer ${await issue([OLD])}`, NOW + later)) !== undefined).toBe(opens);
  });

  it.each<[string, (token: string) => string | null | undefined]>([
    ["nothing", () => undefined],
    ["null", () => null],
    ["an empty text", () => ""],
    ["no scheme", (token) => token],
    ["another scheme", (token) => `Token ${token}`],
    ["something behind it", (token) => `Bearer ${token} x`],
    ["two of them", (token) => `Bearer ${token}, Bearer ${token}`],
    ["a part too few", (token) => `Bearer ${token.split(".").slice(0, 2).join(".")}`],
    [
      "another payload",
      (token) =>
        `Bearer ${token.split(".").with(1, btoa('{"jti":"e2","sub":"executor","exp":9999999999}').replaceAll("=", "")).join(".")}`,
    ],
    ["a cut signature", (token) => `Bearer ${token.slice(0, -4)}`],
  ])("in a header of %s opens nothing", async (_, header) => {
    expect(await readToken(keys(OLD), header(await issue([OLD])), NOW)).toBeUndefined();
  });

  it("takes the scheme in any case", async () => {
    for (const scheme of ["bearer", "BEARER", "Bearer  "]) {
      expect(await readToken(keys(OLD), `${scheme} ${await issue([OLD])}`, NOW)).toEqual({ execution: "e1" });
    }
  });

  it("is not issued without a key", async () => {
    await expect(issue([])).rejects.toMatchObject({ code: "MISCONFIGURED" });
  });
});
