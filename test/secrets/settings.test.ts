import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";

import { configOf } from "../../src/platform/config.ts";

const parse = (changed: Record<string, unknown>) => configOf({ ...env, ...changed });
const [hex, base64] = ["0f".repeat(32), `${"A+/z".repeat(10)}A+g=`];
const service = {
  ORCHESTRATOR: "embedded",
  SECRET_SERVICE_BASE_URL: "http://secrets",
  IAM_BASE_URL: "http://iam/api/v1",
  IAM_TOKEN: "t",
};

describe("settings of secrets", () => {
  it.each<[string, string, Record<string, unknown>]>([
    ["a key is too short", "SECRETS_KEY", { SECRETS_KEY: hex.slice(2) }],
    ["a key is too long", "SECRETS_KEY", { SECRETS_KEY: `${hex}00` }],
    ["a key is a passphrase", "SECRETS_KEY", { SECRETS_KEY: "correct horse battery staple" }],
    ["the second key is none", "SECRETS_KEY", { SECRETS_KEY: `${hex},x` }],
    ["the Secret Service is no address", "SECRET_SERVICE_BASE_URL", { ...service, SECRET_SERVICE_BASE_URL: "secrets" }],
    ["the Secret Service is a file", "SECRET_SERVICE_BASE_URL", { ...service, SECRET_SERVICE_BASE_URL: "file:///x" }],
    ["the Secret Service has no key beside it", "SECRETS_KEY", { ...service, SECRETS_KEY: "" }],
    ["the identity management is missing", "IAM_BASE_URL", { ...service, IAM_BASE_URL: "" }],
    ["the identity management is no address", "IAM_BASE_URL", { ...service, IAM_BASE_URL: "iam" }],
    ["the service's own token is missing", "IAM_TOKEN", { ...service, IAM_TOKEN: "" }],
  ])("are refused if %s: %s is named, and no value", (_, name, changed) => {
    const refused = (() => {
      try {
        return parse(changed);
      } catch (error) {
        return error as Error;
      }
    })();
    const { message } = (refused as Error).cause as Error;
    expect(message).toContain(name);
    const values = Object.values({ ...changed, ORCHESTRATOR: "" });
    const told = values.filter((value) => value.length > 1 && message.includes(value));
    expect(told).toEqual([]);
  });

  it.each<[string, Record<string, unknown>, readonly string[]]>([
    ["no key", { SECRETS_KEY: "" }, []],
    ["a key in hex", { SECRETS_KEY: hex }, [hex]],
    ["keys in both forms", { SECRETS_KEY: ` ${base64} , ${hex},` }, [base64, hex]],
    ["base64 without padding", { SECRETS_KEY: base64.slice(0, -1) }, [base64.slice(0, -1)]],
    ["a key beside the Secret Service", { ...service, SECRETS_KEY: hex }, [hex]],
    [
      "no key beside a Secret Service that only checks ask",
      { SECRET_SERVICE_BASE_URL: "http://secrets", SECRETS_KEY: "" },
      [],
    ],
  ])("may be %s", (_, changed, keys) => {
    expect(parse(changed).SECRETS_KEY).toEqual(keys);
  });
});
