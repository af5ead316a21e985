import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";

import { AppError } from "../../src/platform/errors.ts";
import { logError } from "../../src/platform/log.ts";
import type { Call } from "../support/api.ts";
import { someone } from "../support/given.ts";
import { brokenDatabase, recordConsole } from "../support/wire.ts";
import { faultOf, markerText, open, rowOfSecret, secretOf, simple } from "./given.ts";

const info = { LOG_LEVEL: "info" };
const asJson = { "content-type": "application/json" };

afterEach(() => {
  vi.restoreAllMocks();
});

describe("neither a line of the log nor an answer holds the value", () => {
  it.each<[string, string, (marker: string, id: string) => Call, number]>([
    ["a stored secret", "addSecret", (marker) => ({ body: simple(marker) }), 201],
    ["one without a key", "addSecret", (marker) => ({ body: simple(marker), env: { SECRETS_KEY: "" } }), 503],
    ["a refused secret", "addSecret", (marker) => ({ body: { ...simple(marker), name: 5 } }), 400],
    ["a value in the wrong place", "addSecret", (marker) => ({ body: { ...simple(), [marker]: marker } }), 400],
    ["a value as a type", "addSecret", (marker) => ({ body: { ...simple(), type: marker } }), 400],
    ["malformed JSON", "addSecret", (marker) => ({ raw: `{"passphrase":"${marker}"x`, headers: asJson }), 400],
    ["short malformed JSON", "addSecret", (marker) => ({ raw: marker.slice(0, 12), headers: asJson }), 400],
    [
      "another content type",
      "addSecret",
      (marker) => ({ raw: marker, headers: { "content-type": "text/plain" } }),
      415,
    ],
    ["a new value", "updateSecret", (marker, id) => ({ params: { id }, body: { value: simple(marker).value } }), 200],
    ["a refused value", "updateSecret", (marker, id) => ({ params: { id }, body: { value: { key: marker } } }), 400],
    ["a list", "getSecrets", () => ({}), 200],
    ["a look", "getSecretById", (_, id) => ({ params: { id } }), 200],
    ["a deletion", "deleteSecret", (_, id) => ({ params: { id } }), 200],
  ])("of %s in %s", async (_, operationId, of, status) => {
    const [caller, marker] = [await someone(), markerText()];
    const id = await secretOf(caller, simple(marker));
    const { ciphertext } = (await rowOfSecret(id))!;
    const written = recordConsole();
    const request = of(marker, id);
    const answer = await caller.call(operationId, { ...request, env: { ...info, ...request.env } });
    expect(answer.status).toBe(status);
    expect(written.of("request")).toHaveLength(1);
    for (const text of [written.text(), JSON.stringify(answer.body), JSON.stringify([...answer.headers])]) {
      expect(text).not.toContain(marker.slice(0, 9));
      expect(text).not.toContain(ciphertext);
    }
  });

  it("though the database fails in words that quote what was bound", async () => {
    const [caller, marker] = [await someone(), markerText()];
    const error = new Error(`D1_TYPE_ERROR: Type 'object' not supported for value '${marker}'`);
    const written = recordConsole();
    const answer = await caller.call("addSecret", {
      body: { ...simple(marker), name: marker },
      env: { ...info, DB: brokenDatabase(error) },
    });
    expect(answer.status).toBe(503);
    expect(written.of("request.failed")).toHaveLength(1);
    expect(written.text() + JSON.stringify(answer.body)).not.toContain(marker);
  });

  it("nor a fault of opening, also where somebody logs it", async () => {
    const [caller, marker] = [await someone(), markerText()];
    const id = await secretOf(caller, simple(marker));
    await env.DB.prepare("UPDATE secrets SET ciphertext = substr(ciphertext, 1, 30) WHERE id = ?").bind(id).run();
    const written = recordConsole();
    const fault = await faultOf(open(caller, id));
    logError({ LOG_LEVEL: "info" }, "step.failed", fault);
    logError({ LOG_LEVEL: "info" }, "step.failed", new AppError("INTERNAL", { cause: fault }));
    expect(written.of("step.failed")).toHaveLength(2);
    expect(written.text()).not.toContain(marker);
  });
});
