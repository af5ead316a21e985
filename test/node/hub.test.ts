/// <reference lib="dom" />
import { execFileSync } from "node:child_process";
import { accessSync, constants, globSync, readFileSync } from "node:fs";
import { basename, delimiter, join } from "node:path";
import { gzipSync } from "node:zlib";

import { chromium, type Browser, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";

import { startStack, type Stack } from "./stack.ts";

const browserFile = (process.env["PATH"] ?? "")
  .split(delimiter)
  .flatMap((folder) => ["chromium", "chromium-browser", "google-chrome"].map((name) => join(folder, name)))
  .find(isExecutable);
// oxlint-disable-next-line no-console -- a test that is left out says why
if (browserFile === undefined) console.warn("The page of the hub is not tested: there is no Chromium on the PATH.");

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

const application = {
  name: "loan-application",
  access: "public",
  validate: { source: { rule: "string" } },
  commands: [
    {
      command: "route",
      name: "basic",
      uri: "/basic",
      export: { cities: ["Berlin", "Bern"], hello: "You come from {{it.source}}" },
      validate: {
        firstname: { rule: "string", label: "First name" },
        age: { rule: "number", min: 18, integer: true },
        mobile: { rule: "regex", pattern: "\\+\\d{8,15}", message: "Use digits with a leading +.", optional: true },
        newsletter: { rule: "truefalse" },
        address: { rule: "nested", fields: { city: { rule: "string" }, zip: { rule: "string", optional: true } } },
        id_card: { rule: "file", mime: ["image/*"] },
      },
    },
    {
      command: "route",
      name: "product",
      uri: "/product",
      export: { products: { gold: "Gold card", silver: "Silver card" }, hello: "Hello, {{basic.firstname}}" },
      validate: { product: { rule: "values", values: ["gold", "silver"] } },
    },
    { command: "wait", seconds: 0.5 },
    { command: "route", uri: "/last-look", export: { file: "{{basic.id_card.fileName}}" } },
    {
      command: "success",
      result: { product: "{{product.product}}", age: "{{basic.age}}", city: "{{basic.address.city}}" },
    },
  ],
};
const gate = {
  name: "gate",
  access: "public",
  commands: [
    { command: "route", name: "age", uri: "/age", validate: { age: { rule: "number" } } },
    { command: "if", condition: "age.age < 18", do: [{ command: "error", code: "TOO_YOUNG", message: "Too young." }] },
  ],
};
const input = encodeURIComponent(JSON.stringify({ source: "a letter" }));

describe.skipIf(browserFile === undefined)("the page of the hub", () => {
  let stack: Stack;
  let browser: Browser;
  let page: Page;
  const faults: string[] = [];

  beforeAll(async () => {
    if (globSync("src/hub/*.{js,css}").some(isStale)) execFileSync(process.execPath, ["scripts/prepare.ts"]);
    const key = "the key of executions in this test";
    stack = await startStack({ vars: { EXECUTION_KEY: key, LOG_LEVEL: "silent" } });
    for (const workflow of [application, gate]) await offer(workflow);
    browser = await chromium.launch({
      executablePath: browserFile!,
      args: ["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"],
    });
  });
  afterAll(async () => {
    await browser?.close();
    await stack?.close();
  });
  afterEach(async () => {
    await page.context().close();
    // oxlint-disable-next-line vitest/no-standalone-expect -- what every test expects
    expect(faults.splice(0)).toEqual([]);
  });

  async function offer(workflow: object): Promise<void> {
    const created = await stack.call("POST", "/flows", { kind: "workflow", workflow });
    if (created.status !== 201) throw new Error(JSON.stringify(created.body));
    const path = `/flows/${created.body.data.id}`;
    await stack.call("POST", `${path}/start`);
    await vi.waitUntil(async () => (await stack.call("GET", path)).body.data.status === "active", 10_000);
  }

  /** A tab of its own. What it says of itself that is not as it should be is a fault. */
  async function open(path: string): Promise<void> {
    const context = await browser.newContext({ viewport: { width: 320, height: 640 } });
    context.setDefaultTimeout(8000);
    page = await context.newPage();
    page.on("pageerror", (error) => faults.push(String(error)));
    page.on("console", (message) => {
      const isRefusal = /the server responded with a status of 4/.test(message.text());
      if (message.type() === "error" && !isRefusal) faults.push(message.text());
    });
    page.on("request", (request) => {
      if (new URL(request.url()).origin !== stack.base) faults.push(request.url());
    });
    await page.goto(stack.base + path);
  }
  const heading = async (name: string) => {
    await page.getByRole("heading", { level: 1, name, exact: true }).waitFor();
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe("H1");
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320);
  };
  const press = (name: string) => page.getByRole("button", { name, exact: true }).click();
  const field = (name: string) => page.getByLabel(name, { exact: true });
  const faultOf = (name: string) =>
    field(name).evaluate((node) =>
      node.getAttribute("aria-invalid") === "true"
        ? (node.getAttribute("aria-describedby") ?? "").split(" ").map((id) => document.getElementById(id)?.textContent)
        : undefined,
    );
  const progress = () => page.locator("#progress").textContent();

  it("walks through a workflow: refused, filled, reloaded, back, to the end and over again", async () => {
    await open(`/hub/loan-application?input=${input}`);
    await heading("Basic");
    expect(await page.getByText("You come from a letter").count()).toBe(1);
    expect(await page.getByText("Cities").count()).toBe(0);
    expect(await page.title()).toBe("Basic – Loan application");

    await field("Age").fill("17");
    await press("Continue");
    await expect.poll(() => faultOf("First name")).toEqual(["Required."]);
    expect(await faultOf("Age")).toEqual(["At least 18.", "Must be at least 18."]);
    expect(await faultOf("Mobile (optional)")).toBeUndefined();
    expect(await page.getByRole("group", { name: "Address" }).getByText("Required.").count()).toBe(1);
    expect(await field("First name").evaluate((node) => node === document.activeElement)).toBe(true);
    expect(await page.getByRole("status").textContent()).toBe("5 answers need your attention.");

    await field("First name").fill("Joe");
    expect(await faultOf("First name")).toBeUndefined();
    await field("Age").fill("42");
    await page.getByRole("radiogroup", { name: "Newsletter" }).getByLabel("No").check();
    await page.getByRole("radiogroup", { name: "City" }).getByLabel("Bern").check();
    const file = page.locator("input[type=file]");
    const card = { name: "card.png", mimeType: "image/png", buffer: Buffer.from("not really a picture") };
    await file.setInputFiles({ ...card, name: "wrong.txt", mimeType: "text/plain" });
    await page.getByText("wrong.txt (20 bytes)").waitFor();
    await press("Continue");
    await page.getByText("Must be a file of type image/*.").waitFor();
    await press("Remove wrong.txt");
    expect(await file.evaluate((node) => node === document.activeElement)).toBe(true);
    await file.setInputFiles(card);
    await page.getByText("card.png (20 bytes)").waitFor();
    await press("Continue");

    await heading("Product");
    expect([await progress(), await page.getByText("Hello, Joe").count()]).toEqual(["Step 2", 1]);
    await page.reload();
    await heading("Product");
    expect(await progress()).toBe("Step 2");
    await page.getByLabel("Silver card").check();
    await press("Back");

    await heading("Basic");
    expect([await progress(), await field("First name").inputValue()]).toEqual(["Step 1", "Joe"]);
    expect(await page.getByLabel("Bern").isChecked()).toBe(true);
    expect(await page.getByText("card.png (20 bytes)").count()).toBe(1);
    await field("Age").fill("43");
    await press("Continue");

    await heading("Product");
    expect(await page.getByLabel("Silver card").isChecked()).toBe(true);
    // Nobody waits for the answer here, so that the page has to ask again.
    await page.route(/wait=3$/, (route) => route.continue({ url: route.request().url().replace("wait=3", "wait=0") }));
    await press("Continue");
    await heading("Working on it");
    await heading("Last look");
    expect(await page.locator("dl").innerText()).toMatch(/^File\s+card\.png$/);
    await press("Continue");

    await heading("Done");
    expect(await page.locator("dl").innerText()).toMatch(/^Product\s+silver\s+Age\s+43\s+City\s+Bern$/);
    expect(await progress()).toBe("Finished");
    await page.reload();
    await heading("Done");
    await press("Start over");
    await heading("Basic");
    expect(await field("First name").inputValue()).toBe("");
  });

  it("tells how an execution ended with an error, and of one that is not there any more", async () => {
    await open("/hub/gate");
    await heading("Age");
    await field("Age").fill("7");
    await field("Age").press("Enter");
    await heading("This could not be finished");
    expect(await page.getByRole("alert").innerText()).toMatch(/^Too young\.\s+TOO_YOUNG$/);
    await press("Start over");
    await heading("Age");
    await page.evaluate(() => {
      const kept = JSON.parse(sessionStorage.getItem("hub:gate")!) as object;
      sessionStorage.setItem("hub:gate", JSON.stringify({ ...kept, token: "of.an.other" }));
    });
    await page.reload();
    await heading("Your session has ended");
    await press("Start over");
    await heading("Age");
  });

  it("keeps what was entered when the service is not reached, and goes on from where another tab went", async () => {
    await open("/hub/gate");
    await heading("Age");
    await field("Age").fill("30");
    await page.route("**/api/execution/**", (route) => route.abort());
    await press("Continue");
    await page.getByRole("alert").waitFor();
    expect(await field("Age").inputValue()).toBe("30");
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("Try again");
    await page.unroute("**/api/execution/**");
    faults.splice(0);
    const kept = await page.evaluate(() => JSON.parse(sessionStorage.getItem("hub:gate")!) as Record<string, string>);
    const elsewhere = await fetch(`${stack.base}/api/execution/${kept["uuid"]}`, {
      method: "POST",
      headers: { authorization: `Bearer ${kept["token"]}`, "content-type": "application/json" },
      body: JSON.stringify({ uuid: kept["route"], payload: { age: 31 } }),
    });
    expect(elsewhere.status).toBe(200);
    await press("Try again");
    await heading("Done");
  });

  it.each([
    ["/hub/nothing", "This is not available", "There is no such workflow that you may start."],
    ["/hub/loan-application", "The address of this page is not right", "Source: Required"],
    ["/hub/gate?input={", "The address of this page is not right", "not JSON"],
  ])("says what is wrong with %s", async (path, name, words) => {
    await open(path);
    await heading(name);
    expect(await page.getByRole("alert").innerText()).toContain(words);
    expect(await page.getByRole("button", { name: "Try again" }).count()).toBe(1);
  });

  it("is small, and lets in nothing but its own", async () => {
    await open("/hub/gate");
    const { headers } = await fetch(`${stack.base}/hub`);
    const policy = headers.get("content-security-policy") ?? "";
    expect(policy).toContain("script-src 'self';");
    expect(policy).not.toMatch(/unsafe|\*|nonce/);
    const files = globSync("src/hub/*.js").toSorted();
    const loaded = await page.evaluate(() => performance.getEntriesByType("resource").map(({ name }) => name));
    const scripts = [...new Set(loaded.filter((name) => name.endsWith(".js")))].map((name) => basename(name));
    expect(scripts.toSorted()).toEqual(files.map((name) => basename(name)));
    expect(await page.locator("link[rel=modulepreload], script").count()).toBe(files.length);
    const sent = files.map((file) => gzipSync(readFileSync(file)).byteLength);
    expect(sent.reduce((sum, bytes) => sum + bytes)).toBeLessThan(20 * 1024);
  });
});

function isStale(file: string): boolean {
  try {
    return !readFileSync(file).equals(readFileSync(join("dist", "assets", "hub-assets", basename(file))));
  } catch {
    return true;
  }
}
