import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";

import { configOf } from "../platform/config.ts";
import type { Secret } from "../secrets/open.ts";
import { KnownSecrets, secretForms } from "./known-secrets.ts";
import { SCHEMA } from "./journal-schema.ts";
import { Rows } from "./rows.ts";

const id = "5ca5c44c187c040010a9bb8b";
const token = (accessToken: string): Secret => ({ id, type: "OA2_AUTHORIZATION_CODE", value: { accessToken } });

/** The log of a run; whoever is made of it knows what an object knows that just woke. */
const inRun = <T>(act: (anew: (changed?: object) => KnownSecrets) => Promise<T>): Promise<T> =>
  runInDurableObject(env.RUN.getByName(crypto.randomUUID()), (_, { storage }) => {
    const rows = new Rows(storage.sql);
    rows.do(SCHEMA);
    rows.do(
      "INSERT INTO run (only_one, facts, definition, status, started_at, ends_by) VALUES (1, '{}', '{}', 'running', 0, 0)",
    );
    return act((changed = {}) => new KnownSecrets(rows, configOf({ ...env, ...changed })));
  });

const placesIn = (known: KnownSecrets): string[] => Object.keys(JSON.parse(known.sealed) as object);

describe("what a run knows of secrets", () => {
  it("is every value of one that was renewed, the old as the new, also after it woke anew", async () => {
    await inRun(async (anew) => {
      const known = anew();
      await known.learn(token("first-token"));
      await known.learn(token("second-token"));
      const woken = anew();
      await woken.recall();
      for (const one of [known, woken]) expect(one.hide("first-token second-token")).toBe("[masked] [masked]");
      expect(known.sealed).not.toContain("token");
    });
  });

  it("is kept once, however often and by how many at the same time it is learnt", async () => {
    await inRun(async (anew) => {
      const known = anew();
      await Promise.all([1, 2, 3].map(() => known.learn(token("first-token"))));
      await known.learn(token("first-token"));
      const woken = anew();
      await woken.recall();
      await woken.learn(token("first-token"));
      expect(placesIn(woken)).toHaveLength(1);
    });
  });

  it("is taken over from other runs, and kept once whoever brings it", async () => {
    const sealedBy = (value: string) =>
      inRun(async (anew) => {
        const other = anew();
        await other.learn(token(value));
        return other.sealed;
      });
    const brought = [await sealedBy("first-token"), await sealedBy("first-token"), await sealedBy("second-token")];
    await inRun(async (anew) => {
      for (const sealed of [...brought, ...brought]) await anew().adopt(sealed);
      const woken = anew();
      await woken.recall();
      expect(placesIn(woken)).toHaveLength(2);
      expect(woken.hide("first-token second-token")).toBe("[masked] [masked]");
    });
  });

  it("lasts as long as the object is awake where there is no key", async () => {
    await inRun(async (anew) => {
      const known = anew({ SECRETS_KEY: "" });
      await known.learn(token("first-token"));
      expect(known.hide("first-token")).toBe("[masked]");
      expect(known.sealed).toBe("{}");
    });
  });
});

describe("the forms of a secret", () => {
  it.each<[Secret["value"], readonly string[]]>([
    [{ pin: 123456 }, ["123456", "MTIzNDU2"]],
    [{ deep: [{ rate: -1.25 }] }, ["-1.25", "LTEuMjU="]],
    [{ on: true, none: null }, []],
    [{ text: 'a "b"' }, ['a "b"', "a%20%22b%22", "YSAiYiI=", 'a \\"b\\"']],
  ])("%j", (value, forms) => {
    expect(secretForms({ type: "MIXED", value })).toEqual(forms);
  });
});
