import { expect, it } from "vitest";

import type { App } from "../../apps/model.ts";
import { InterceptorFault } from "../refusal.ts";
import { type IssuedClaims, isStillOf, issueToken, readToken } from "./issued.ts";

const app = { id: "a1", clientId: "app_1", tokensFrom: 1000 } as App;
const [first, second] = ["the first key, at least 32 characters", "the second key, at least 32 characters"];
const NOW = 1_800_000_000_999;
const issue = (keys: string[], expires = 60) =>
  issueToken({ GATEWAY_KEY: keys }, { app, home: "owner", scopes: ["a", "b"], expires, now: NOW });
const read = async (keys: string[], token: string, home = "owner", now = NOW) => {
  const found = await readToken({ GATEWAY_KEY: keys }, token, home, now);
  return "fault" in found ? found.fault : found.claims;
};

it("the first key signs and all verify, so that a key can be changed", async () => {
  const token = await issue([first, second]);
  const claims = { iss: "flow-gateway", aud: "owner", sub: "a1", client_id: "app_1", scope: "a b", gen: 1000 };
  expect(await read([second, first], token)).toMatchObject({ ...claims, iat: 1_800_000_000, exp: 1_800_000_060 });
  expect(await read([second], token)).toBe("Its signature does not fit.");
});

it("is good until its time is over, and for the APIs of one owner", async () => {
  const token = await issue([first]);
  expect(await read([first], token, "owner", NOW + 59_000)).toMatchObject({ sub: "a1" });
  expect(await read([first], token, "owner", NOW + 60_000)).toBe("It has expired.");
  expect(await read([second, first], token, "others")).toBe("It is meant for others (aud).");
});

it("fails where no key is set", async () => {
  await expect(issue([])).rejects.toThrow(InterceptorFault);
  await expect(read([], await issue([first]))).rejects.toThrow("GATEWAY_KEY");
});

it.each<[object, number, boolean]>([
  [{ sub: "a1", gen: 1000 }, 1000, true],
  // An isolate that has heard of the revocation issued it; this one has not yet.
  [{ sub: "a1", gen: 1001 }, 1000, true],
  [{ sub: "a1", gen: 999 }, 1000, false],
  [{ sub: "a1" }, 0, false],
  [{ sub: "a1", gen: "1000" }, 1000, false],
  [{ sub: "a2", gen: 1000 }, 1000, false],
])("%o of an app with tokens from %d is good: %s", (claims, tokensFrom, good) => {
  expect(isStillOf(claims as IssuedClaims, { ...app, tokensFrom })).toBe(good);
});
