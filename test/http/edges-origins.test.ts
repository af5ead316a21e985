import { describe, expect, it } from "vitest";

import { exampleFlow, newId, someone } from "../support/given.ts";
import { errorsOf, wire } from "../support/wire.ts";

const listed = "https://ui.example.com";
const notAllowed = [{ message: "Not allowed by CORS", code: 403, error: "ORIGIN_NOT_ALLOWED" }];
const unlisted = [
  "https://evil.example",
  "https://ui.example.com.evil.example",
  "https://sub.ui.example.com",
  "http://ui.example.com",
  "https://ui.example.com:8443",
  "https://ui.example.com/",
  "ui.example.com",
  "null",
  "http://localhost:3001",
  "http://localhost:3000",
];
const preflight = (path: string, origin: string, env?: Record<string, unknown>) =>
  wire("OPTIONS", path, {
    headers: {
      origin,
      "access-control-request-method": "PATCH",
      "access-control-request-headers": "authorization,content-type",
    },
    ...(env === undefined ? {} : { env }),
  });

describe("a page of a listed origin", () => {
  it.each(["/flows", `/flows/${newId()}`, `/flows/${newId()}/start`, "/flows/bulk", "/dead-letters"])(
    "may ask before it calls %s, without a token",
    async (path) => {
      const { status, headers, body } = await preflight(path, listed);
      expect(status).toBe(204);
      expect(body).toBeNull();
      expect(headers.get("access-control-allow-origin")).toBe(listed);
      expect(headers.get("access-control-allow-credentials")).toBe("true");
      expect(headers.get("access-control-allow-methods")).toBe("GET,HEAD,PUT,PATCH,POST,DELETE");
      expect(headers.get("access-control-allow-headers")).toBe("authorization,content-type");
      expect(headers.get("vary")).toMatch(/\bOrigin\b/i);
      expect(headers.get("www-authenticate")).toBeNull();
    },
  );

  it("gets an answer that it may read", async () => {
    const { authorization } = await someone();
    const answer = await wire("GET", "/flows", { headers: { origin: listed, authorization } });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("access-control-allow-origin")).toBe(listed);
    expect(answer.headers.get("access-control-allow-credentials")).toBe("true");
    expect(answer.headers.get("access-control-expose-headers")).toMatch(/\bx-request-id\b/);
    expect(answer.headers.get("vary")).toMatch(/\bOrigin\b/i);
  });

  it.each<[string, number, string, string, boolean]>([
    ["without a token", 401, "GET", "/flows", false],
    ["of a malformed id", 400, "GET", "/flows/x", true],
    ["of an unknown flow", 404, "DELETE", `/flows/${newId()}`, true],
    ["of an unknown path", 404, "GET", "/flows/x/y", true],
    ["of a wrong method", 405, "PUT", "/flows", true],
    ["of a wrong content type", 415, "POST", "/flows", true],
  ])("may read the error %s too", async (_, status, method, path, authenticated) => {
    const authorization = authenticated ? { authorization: (await someone()).authorization } : {};
    const body = status === 415 ? { body: "x" } : {};
    const answer = await wire(method, path, { headers: { origin: listed, ...authorization }, ...body });
    expect(answer.status).toBe(status);
    expect(answer.headers.get("access-control-allow-origin")).toBe(listed);
    expect(answer.headers.get("access-control-allow-credentials")).toBe("true");
  });
});

describe.each(unlisted)("a page of %s", (origin) => {
  it("is refused before it asks", async () => {
    const answer = await preflight("/flows", origin);
    expect(answer.status).toBe(403);
    expect(await errorsOf(answer)).toEqual(notAllowed);
    expect(answer.headers.get("access-control-allow-origin")).toBeNull();
    expect(answer.headers.get("access-control-allow-methods")).toBeNull();
  });

  it.each(["with", "without"])("is refused %s a token, and writes nothing", async (token) => {
    const caller = await someone();
    const authorization = token === "with" ? { authorization: caller.authorization } : {};
    const answer = await wire("POST", "/flows", {
      headers: { origin, "content-type": "application/json", ...authorization },
      body: JSON.stringify(exampleFlow()),
    });
    expect(answer.status).toBe(403);
    expect(await errorsOf(answer)).toEqual(notAllowed);
    expect(answer.headers.get("access-control-allow-origin")).toBeNull();
    expect((await caller.call("getFlows")).body.meta.total).toBe(0);
  });
});

describe("the list of origins", () => {
  it("lets http://localhost:3001 in if it names it", async () => {
    const origin = "http://localhost:3001";
    const answer = await preflight("/flows", origin, { ORIGINWHITELIST: `${listed}, ${origin}` });
    expect(answer.status).toBe(204);
    expect(answer.headers.get("access-control-allow-origin")).toBe(origin);
  });

  it.each(["development", "test"])("lets no localhost in by itself in %s", async (ENVIRONMENT) => {
    const answer = await preflight("/flows", "http://localhost:3001", { ENVIRONMENT, ORIGINWHITELIST: "" });
    expect(answer.status).toBe(403);
  });

  it("lets nobody in if it is empty, and has no wildcard", async () => {
    expect((await preflight("/flows", listed, { ORIGINWHITELIST: "" })).status).toBe(403);
    expect((await preflight("/flows", listed, { ORIGINWHITELIST: "*" })).status).toBe(403);
  });
});

it("lets the service's own pages in", async () => {
  const { authorization } = await someone();
  const answer = await wire("GET", "/flows", { headers: { origin: "http://flows.test", authorization } });
  expect(answer.status).toBe(200);
});

it("asks programs, which send no origin, for nothing", async () => {
  const { authorization } = await someone();
  const answer = await wire("GET", "/flows", { headers: { authorization } });
  expect(answer.status).toBe(200);
  expect(answer.headers.get("access-control-allow-origin")).toBeNull();
});

it.each([undefined, listed, "https://evil.example"])(
  "answers OPTIONS / to anybody, as from the origin %s",
  async (origin) => {
    const answer = await wire("OPTIONS", "/", origin === undefined ? {} : { headers: { origin } });
    expect(answer.status).toBe(204);
    expect(await answer.text()).toBe("");
    expect(answer.headers.get("access-control-allow-origin")).toBe("*");
    expect(answer.headers.get("access-control-allow-credentials")).toBeNull();
  },
);
