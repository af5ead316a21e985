import { describe, expect, it } from "vitest";

import { operations } from "../support/api.ts";
import { admin, flowOf, newId, someone } from "../support/given.ts";
import { errorsOf, wire } from "../support/wire.ts";

const notFound = [{ message: "Not found", code: 404, error: "NOT_FOUND" }];

describe("an unknown path", () => {
  it.each(["/nope", "/flow", "/flowsx", "/healthcheck/more", "/openapi", "/.env", "/index.html"])(
    "%s answers 404 in the envelope, to anybody",
    async (path) => {
      const answer = await wire("GET", path);
      expect(answer.status).toBe(404);
      expect(await errorsOf(answer)).toEqual(notFound);
    },
  );

  it.each(["/flows/", "/flows/x/y", "/flows/x/steps", "/flows/x/steps/y", "/dead-letters/x", "/dead-letters/x/y/z"])(
    "%s asks for a token first",
    async (path) => {
      const refused = await wire("GET", path);
      expect(refused.status).toBe(401);
      expect(await errorsOf(refused)).toEqual([
        { message: "Missing authorization header.", code: 401, error: "MISSING_AUTHORIZATION" },
      ]);
    },
  );

  it.each([
    ["GET", "/flows/x/y"],
    ["PUT", "/flows/x/y/z"],
    ["GET", "/flows/x/steps"],
    ["DELETE", "/dead-letters/x/y/z"],
  ])("%s %s answers 404 to whoever holds a token", async (method, path) => {
    const { authorization } = await someone();
    const answer = await wire(method, path, { headers: { authorization } });
    expect(answer.status).toBe(404);
    expect(await errorsOf(answer)).toEqual(notFound);
  });

  it.each(["/flows/%", "/flows/%zz", "/flows/%E0%A4%A", "/flows/%00", "/flows/..%2F..%2Fadmin", "/flows?%zz=%"])(
    "%s with bad escapes is no fault of ours",
    async (path) => {
      const { authorization } = await someone();
      const answer = await wire("GET", path, { headers: { authorization } });
      expect([200, 400, 404]).toContain(answer.status);
    },
  );

  it("that leads out of a flow's steps reaches nothing", async () => {
    const caller = await someone();
    const id = await flowOf(caller);
    const path = `/flows/${id}/steps/..%2F..%2F..%2Fadmin%2Fsecrets/logs`;
    const answer = await wire("GET", path, { headers: { authorization: caller.authorization } });
    expect(answer.status).toBe(404);
    expect((await errorsOf(answer))[0]).toMatchObject({ message: "Step not found", error: "STEP_NOT_FOUND" });
  });
});

describe("a method that a path does not have", () => {
  it.each([
    ["PUT", `/flows/${newId()}`, ["GET", "HEAD", "PATCH", "DELETE"]],
    ["POST", `/flows/${newId()}`, ["GET", "HEAD", "PATCH", "DELETE"]],
    ["DELETE", "/flows", ["GET", "HEAD", "POST"]],
    ["PUT", "/flows", ["GET", "HEAD", "POST"]],
    ["PATCH", "/flows", ["GET", "HEAD", "POST"]],
    ["GET", `/flows/${newId()}/start`, ["POST"]],
    ["DELETE", `/flows/${newId()}/stop`, ["POST"]],
    ["GET", "/flows/multiple/start", ["POST"]],
    ["POST", `/flows/${newId()}/steps/step_1/logs`, ["GET", "HEAD"]],
    ["POST", "/dead-letters", ["GET", "HEAD"]],
    ["GET", "/dead-letters/x/replay", ["POST"]],
    ["POST", "/healthcheck", ["GET", "HEAD"]],
    ["DELETE", "/healthcheck", ["GET", "HEAD"]],
    ["POST", "/api-docs", ["GET", "HEAD"]],
    ["POST", "/openapi.json", ["GET", "HEAD"]],
    ["POST", "/docs", ["GET", "HEAD"]],
    ["DELETE", "/", ["OPTIONS"]],
  ])("%s %s answers 405 and tells which it has: %j", async (method, path, methods) => {
    const { authorization } = await someone();
    const answer = await wire(method, path, { headers: { authorization } });
    expect(answer.status).toBe(405);
    expect((await errorsOf(answer))[0]).toMatchObject({
      message: "Method not allowed",
      code: 405,
      error: "METHOD_NOT_ALLOWED",
    });
    expect(allowedBy(answer)).toEqual(expect.arrayContaining(methods));
    expect(allowedBy(answer)).not.toContain(method);
    expect(answer.headers.get("x-request-id")).not.toBeNull();
    expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
  });

  it.each(["/flows", `/flows/${newId()}/start`, "/healthcheck", "/openapi.json", "/"])(
    "is told at %s by a list that names each once and none that is refused",
    async (path) => {
      const { authorization } = await someone();
      const headers = { authorization };
      const allowed = allowedBy(await wire("PROPFIND", path, { headers }));
      expect(allowed.length).toBeGreaterThan(0);
      expect([...new Set(allowed)]).toEqual(allowed);
      const answers = await Promise.all(allowed.map((method) => wire(method, path, { headers })));
      expect(allowed.filter((_, index) => answers[index]!.status === 405)).toEqual([]);
    },
  );

  it("asks for a token first", async () => {
    const answer = await wire("PUT", `/flows/${newId()}`);
    expect(answer.status).toBe(401);
    expect(answer.headers.get("allow")).toBeNull();
  });

  it("needs no permission to be told", async () => {
    const { authorization } = await someone({ permissions: [] });
    expect((await wire("DELETE", "/flows", { headers: { authorization } })).status).toBe(405);
  });
});

describe("HEAD", () => {
  it.each(["/flows", "/healthcheck", "/openapi.json", "/api-docs"])(
    "of %s answers as GET does, without a body",
    async (path) => {
      const { authorization } = await someone();
      const headers = { authorization };
      const [head, get] = [await wire("HEAD", path, { headers }), await wire("GET", path, { headers })];
      expect(head.status).toBe(200);
      expect(await head.text()).toBe("");
      expect(head.headers.get("content-type")).toBe(get.headers.get("content-type"));
      expect(head.headers.get("x-request-id")).not.toBeNull();
      expect(await get.text()).not.toBe("");
    },
  );

  it("of a flow of one's own answers 200, of another's 404", async () => {
    const caller = await someone();
    const id = await flowOf(caller);
    const stranger = await someone();
    const head = ({ authorization }: typeof caller) => wire("HEAD", `/flows/${id}`, { headers: { authorization } });
    expect((await head(caller)).status).toBe(200);
    expect((await head(stranger)).status).toBe(404);
  });

  it("of /flows asks for a token", async () => {
    expect((await wire("HEAD", "/flows")).status).toBe(401);
  });

  it("starts nothing", async () => {
    const caller = await someone();
    const id = await flowOf(caller);
    const answer = await wire("HEAD", `/flows/${id}/start`, { headers: { authorization: caller.authorization } });
    expect(answer.status).toBe(405);
    expect((await caller.call("getFlowById", { params: { id } })).body.data.status).toBe("inactive");
  });
});

describe("the pages for people and programs", () => {
  it("begin at /docs, which leads on", async () => {
    const answer = await wire("GET", "/docs");
    expect(answer.status).toBe(302);
    expect(answer.headers.get("location")).toMatch(/^(?:http:\/\/flows\.test)?\/api-docs\/?$/);
  });

  it.each(["/api-docs", "/api-docs/"])("are shown at %s by a script of the service's own", async (path) => {
    const answer = await wire("GET", path);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toMatch(/^text\/html\b/);
    const html = await answer.text();
    const sources = [...html.matchAll(/(?:src|href)="([^"]*)"/g)].map((found) => found[1]!);
    expect(sources).toContain("/api-docs-assets/swagger-ui-bundle.js");
    expect(sources.filter((source) => !/^(?:\/(?!\/)|data:)/.test(source))).toEqual([]);
    expect(html).toContain('"/openapi.json"');
  });

  it("let no other script run, and stand in no other page", async () => {
    const [one, two] = [await wire("GET", "/api-docs"), await wire("GET", "/api-docs")];
    const policy = one.headers.get("content-security-policy")!;
    const scripts = /script-src ([^;]*)/.exec(policy)![1]!.split(" ");
    expect(scripts).toEqual(["'self'", expect.stringMatching(/^'nonce-[\w-]{16,}'$/)]);
    expect(policy).toContain("default-src 'self'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(await one.text()).toContain(`<script nonce="${scripts[1]!.slice(7, -1)}">`);
    expect(two.headers.get("content-security-policy")).not.toBe(policy);
  });

  it("have a document of every operation at /openapi.json", async () => {
    const answer = await wire("GET", "/openapi.json");
    expect(answer.status).toBe(200);
    const document = await answer.json<{ openapi: string; paths: Paths }>();
    expect(document.openapi).toBe("3.1.0");
    const told = Object.entries(document.paths).flatMap(([path, item]) =>
      Object.entries(item).map(([method, { operationId }]) => `${method.toUpperCase()} ${path} ${operationId}`),
    );
    expect(new Set(told)).toEqual(
      new Set(operations.map(({ method, path, operationId }) => `${method} ${path} ${operationId}`)),
    );
  });

  it("have a document that any page may read", async () => {
    const answer = await wire("GET", "/openapi.json", { headers: { origin: "https://anybody.example" } });
    expect(answer.headers.get("access-control-allow-origin")).toBe("*");
  });
});

it.each(["/flows/", "/dead-letters/"])("%s is the path without the slash, as it was in the original", async (path) => {
  const caller = await admin();
  const answer = await wire("GET", path, { headers: { authorization: caller.authorization } });
  expect(answer.status).toBe(200);
});

it.each(["/flows", "/healthcheck", "/nope", "/openapi.json"])(
  "%s may be no frame's content and runs no script",
  async (path) => {
    const policy = (await wire("GET", path)).headers.get("content-security-policy");
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
  },
);

type Paths = Record<string, Record<string, { operationId: string }>>;

const allowedBy = (answer: Response): string[] => (answer.headers.get("allow") ?? "").split(/,\s*/).filter(Boolean);
