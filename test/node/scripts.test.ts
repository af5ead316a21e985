import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { jwtVerify } from "jose";
import { describe, expect, it, onTestFinished } from "vitest";

const secret = "a secret of the tests, at least 32 characters";

/** A folder as `npm start` leaves it, or an empty one. */
function folderWith(vars?: string): string {
  const folder = mkdtempSync(join(tmpdir(), "flow-repository-token-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  if (vars !== undefined) writeFileSync(join(folder, ".dev.vars"), vars);
  return folder;
}

const token = (cwd: string, ...options: string[]): Promise<{ code: unknown; stdout: string; stderr: string }> =>
  new Promise((settle) => {
    execFile(process.execPath, [resolve("scripts/token.ts"), ...options], { cwd }, (error, stdout, stderr) =>
      settle({ code: error === null ? 0 : error.code, stdout, stderr }),
    );
  });

const usual = `ENVIRONMENT=development\nIAM_JWT_SECRET=${secret}\nORIGINWHITELIST=http://localhost:3001\n`;

describe("npm run token", () => {
  it("prints nothing but a token with the claims that were asked for", async () => {
    const asked = ["--sub", "bob", "--tenant", "acme", "--permissions", "flows.read, flows.write"];
    const printed = await token(folderWith(usual), ...asked);
    expect(printed).toMatchObject({ code: 0, stderr: "" });
    expect(printed.stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
    const { payload, protectedHeader } = await jwtVerify(printed.stdout.trim(), new TextEncoder().encode(secret));
    expect(protectedHeader.alg).toBe("HS256");
    expect(payload).toMatchObject({ sub: "bob", tenant: "acme", permissions: ["flows.read", "flows.write"] });
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(12 * 60 * 60);
  });

  it("makes a token for alice without a tenant when nothing is asked for", async () => {
    const { stdout } = await token(folderWith(usual));
    const { payload } = await jwtVerify(stdout.trim(), new TextEncoder().encode(secret));
    expect(payload.sub).toBe("alice");
    expect(payload).not.toHaveProperty("tenant");
    const flows = ["flows.read", "flows.write", "flows.control"];
    const executions = ["executions.start", "executions.read", "executions.control"];
    expect(payload["permissions"]).toEqual([...flows, ...executions]);
  });

  it.each([
    ["in quotes", `IAM_JWT_SECRET="${secret}"\n`],
    ["with spaces around the sign", `IAM_JWT_SECRET = ${secret}\n`],
    ["in a file with Windows line ends", `ENVIRONMENT=test\r\nIAM_JWT_SECRET=${secret}\r\n`],
    ["on the last line without an end", `IAM_JWT_SECRET=${secret}`],
  ])("finds a secret that stands %s", async (_, vars) => {
    const { stdout } = await token(folderWith(vars));
    await expect(jwtVerify(stdout.trim(), new TextEncoder().encode(secret))).resolves.toBeDefined();
  });

  it.each([
    ["there is no .dev.vars", undefined],
    [".dev.vars has no secret", "ENVIRONMENT=development\n# IAM_JWT_SECRET=of old\n"],
  ])("says what to do when %s", async (_, vars) => {
    const printed = await token(folderWith(vars));
    expect(printed).toMatchObject({ code: 1, stdout: "" });
    expect(printed.stderr).toContain("There is no IAM_JWT_SECRET in .dev.vars yet. Run: npm start");
  });

  it.each([
    ["an option that does not exist", ["--admin"]],
    ["an option without its value", ["--sub"]],
    ["a word that belongs to no option", ["alice"]],
  ])("refuses %s and shows the usage", async (_, options) => {
    const printed = await token(folderWith(usual), ...options);
    expect(printed).toMatchObject({ code: 1, stdout: "" });
    expect(printed.stderr).toContain("Usage: npm run token -- --sub alice");
    expect(printed.stderr).not.toContain(secret);
  });
});
