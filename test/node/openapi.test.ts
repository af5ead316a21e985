import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { descriptionsMissing, examplesMissing, operationsOf, refsOf, resolve, type Document } from "./openapi.ts";
import { seedFlow } from "./seed.ts";
import { startStack, type Stack } from "./stack.ts";

const folder = mkdtempSync(join(tmpdir(), "flow-repository-openapi-"));
let stack: Stack;
let document: Document;

beforeAll(async () => {
  stack = await startStack();
  document = (await (await fetch(`${stack.base}/openapi.json`)).json()) as Document;
}, 60_000);
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await stack.close();
});

interface Ran {
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program with this Node; none of them asks the internet for anything. */
const run = (program: string, ...options: string[]): Promise<Ran> =>
  new Promise((settle) => {
    const env = { ...process.env, CI: "true", NO_COLOR: "1", REDOCLY_TELEMETRY: "off" };
    execFile(process.execPath, [program, ...options], { env, timeout: 60_000 }, (error, stdout, stderr) =>
      settle({ code: error === null ? 0 : (error.code ?? "killed"), stdout, stderr }),
    );
  });

/** What a program printed that had to succeed. */
async function output(program: string, ...options: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(program, ...options);
  if (code !== 0) throw new Error(`${program} ended with ${code}.\n${stdout}\n${stderr}`);
  return stdout;
}

/** What redocly has against a document, a line for each error and warning. */
async function complaintsAbout(checked: Document): Promise<string[]> {
  const file = join(folder, `${randomUUID()}.json`);
  writeFileSync(file, JSON.stringify(checked));
  const options = ["--extends=recommended", "--format=json", "--max-problems=10000"];
  // The health check refuses nothing. That all others declare what they refuse has a test of its own.
  const skipped = "--skip-rule=operation-4xx-response";
  const ran = await run("node_modules/@redocly/cli/bin/cli.js", "lint", file, ...options, skipped);
  if (ran.stdout === "") throw new Error(ran.stderr);
  const { problems } = JSON.parse(ran.stdout) as {
    problems: { severity: string; ruleId: string; message: string; location: { pointer?: string }[] }[];
  };
  return problems.map(
    ({ severity, ruleId, message, location }) => `${severity} ${ruleId} ${location[0]?.pointer}: ${message}`,
  );
}

describe("the OpenAPI document", () => {
  it("passes the linter without an error or a warning", async () => {
    expect(await complaintsAbout(document)).toEqual([]);
  });

  it("tells of every operation what it is called, what it does and where it belongs", () => {
    const silent = operationsOf(document).filter(
      ([, { operationId, summary, description, tags }]) =>
        ![operationId, summary, description, tags?.[0]].every(Boolean),
    );
    expect(silent.map(([name]) => name)).toEqual([]);
    const ids = operationsOf(document).map(([, operation]) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it("tells of every operation how it refuses", () => {
    const silent = operationsOf(document).flatMap(([name, { security, requestBody, responses }]) => {
      const needed = [
        ...(security?.length === 0 ? [] : ["401"]),
        // An execution token has no permissions: it opens or it does not.
        ...(security?.some((scheme) => "Bearer" in scheme) === true ? ["403"] : []),
        // What is put where nothing is yet is made.
        ...(name.includes("{") && !name.startsWith("PUT ") ? ["404"] : []),
        ...(requestBody === undefined ? [] : ["400", "413", "415"]),
      ];
      return needed.filter((status) => !(status in responses)).map((status) => `${name} ${status}`);
    });
    expect(silent).toEqual([]);
  });

  it("describes every schema, property and parameter", () => {
    expect(descriptionsMissing(document)).toEqual([]);
  });

  it("shows an example of every value", () => {
    expect(examplesMissing(document)).toEqual([]);
  });

  it("has references that all lead somewhere", () => {
    const refs = refsOf(document);
    expect(refs).toContain("#/components/schemas/Flow");
    expect(refs.filter((ref) => resolve(document, ref) === undefined)).toEqual([]);
  });

  it("shows the seed's example where a flow is stored", () => {
    expect(document.paths["/flows"]?.["post"]?.requestBody?.content?.["application/json"]?.example).toEqual(seedFlow);
  });

  it("is true of what the Worker answers", async () => {
    const { call } = stack;
    const checked = structuredClone(document);
    /** Makes a call, and its answer an example of the operation. */
    const send = async (method: string, path: string, values: Record<string, string> = {}, body?: unknown) => {
      const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => values[name] ?? "");
      const answer = await call(method.toUpperCase(), filled, body);
      const declared = checked.paths[path]?.[method]?.responses[answer.status]?.content?.["application/json"];
      if (declared === undefined) throw new Error(`${method} ${path} does not declare ${answer.status}.`);
      declared.examples = { ...declared.examples, [`answered-${randomUUID()}`]: { value: answer.body } };
      return answer;
    };
    const { id } = (await send("post", "/flows", {}, seedFlow)).body.data;
    const broken = { ...seedFlow, graph: { nodes: [{ id: "a", componentId: "nobody-knows-me" }], edges: [] } };
    const failing = (await send("post", "/flows", {}, broken)).body.data.id;
    await send("post", "/flows/{id}/start", { id: failing });
    const lastError = async () => (await call("GET", `/flows/${failing}`)).body.data.lastError;
    await expect.poll(lastError, { timeout: 30_000 }).not.toBeNull();
    await send("get", "/flows/{id}", { id: failing });
    await send("post", "/flows", {}, { graph: { nodes: [] } });
    await send("post", "/flows/validate", {}, { graph: { nodes: [], edges: [{ source: "a", target: "b" }] }, cron: 7 });
    await send("patch", "/flows/bulk", {}, [{ id, name: "Refused for want of a permission" }]);
    await send("patch", "/flows/{id}", { id }, { name: null, flowSettings: { any: ["thing"] } });
    await send("patch", "/flows/{id}", { id: "0".repeat(24) }, { name: "Nobody" });
    await send("get", "/flows/{id}", { id });
    await send("get", "/flows/{id}", { id: "short" });
    await send("get", "/flows/{id}/steps/{stepId}/logs", { id, stepId: "step_1" });
    await send("get", "/flows");
    await send("post", "/flows/multiple/start", {}, [id, "0".repeat(24), "short"]);
    await send("post", "/flows/multiple/stop", {}, [id, 7]);
    await send("post", "/flows/{id}/stop", { id });
    await send("get", "/dead-letters");
    await send("get", "/healthcheck");
    const complaints = await complaintsAbout(checked);
    expect(complaints.filter((line) => line.includes("/answered-"))).toEqual([]);
  });
});

describe("a typed client", () => {
  it("is generated from the document, compiles and runs the demo", async () => {
    const client = "test/typed-client";
    const file = join(folder, "openapi.json");
    writeFileSync(file, JSON.stringify(document));
    await output(`${client}/node_modules/openapi-typescript/bin/cli.js`, file, "-o", `${client}/schema.d.ts`);
    await output(`${client}/node_modules/typescript/bin/tsc`, "-p", client);
    const told = await output(`${client}/demo.ts`, stack.base, stack.token);
    expect(told.trim().split("\n").at(-1)).toBe("a deleted flow is gone");
  });
});

describe("the docs page", () => {
  it("gets its scripts and styles from the Worker", async () => {
    const page = await fetch(`${stack.base}/api-docs`);
    expect(page.headers.get("content-type")).toMatch(/^text\/html/);
    const html = await page.text();
    const scripts = Array.from(html.matchAll(/<script[^>]* src="([^"]+)"/g), ([, url]) => url ?? "");
    const styles = Array.from(html.matchAll(/<link rel="stylesheet" href="([^"]+)"/g), ([, url]) => url ?? "");
    expect([scripts.length, styles.length]).toEqual([1, 1]);
    for (const [url, type] of [
      ...scripts.map((script) => [script, /^(?:text|application)\/javascript/] as const),
      ...styles.map((style) => [style, /^text\/css/] as const),
    ]) {
      const asset = await fetch(new URL(url, page.url));
      expect(new URL(asset.url).origin).toBe(stack.base);
      expect(asset.status).toBe(200);
      expect(asset.headers.get("content-type")).toMatch(type);
      expect((await asset.text()).length).toBeGreaterThan(10_000);
    }
  });

  it("lets its own inline script run and no other", async () => {
    const page = await fetch(`${stack.base}/api-docs`);
    const nonces = Array.from((await page.text()).matchAll(/<script nonce="([^"]+)"/g), ([, nonce]) => nonce);
    expect(nonces).toHaveLength(1);
    const policy = page.headers.get("content-security-policy") ?? "";
    expect(policy).toContain(`script-src 'self' 'nonce-${nonces[0]}'`);
    expect(policy).not.toMatch(/script-src[^;]*unsafe/);
  });

  it("is found from the start page and under its former name", async () => {
    for (const path of ["/", "/docs", "/api-docs/"]) {
      const page = await fetch(stack.base + path);
      expect([path, page.status, new URL(page.url).pathname.replace(/\/$/, "")]).toEqual([path, 200, "/api-docs"]);
    }
  });
});
