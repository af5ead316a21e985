import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { gzipSync } from "node:zlib";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { optionsIn, Plain } from "../../scripts/import/options.ts";
import { notesOf, targetOf } from "../../scripts/import/progress.ts";
import { sendPortion } from "../../scripts/import/sending.ts";
import { signToken } from "../../scripts/token.ts";
import {
  closeStubs,
  countsOf,
  idOf,
  linesOf,
  numbers,
  original,
  portion,
  stub,
  taken,
  targetAt,
} from "./import-given.ts";
import { startStack, type Stack } from "./stack.ts";

const folder = mkdtempSync(join(tmpdir(), "flow-repository-import-"));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  closeStubs();
});

let files = 0;
function fileOf(content: string | Buffer, name = "flows.json"): string {
  const file = join(folder, `${(files += 1)}-${name}`);
  writeFileSync(file, content);
  return file;
}

const many = () => fileOf(linesOf(numbers(1500).map((nth) => original(nth))));

interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const notesFor = (file: string, url: string, areTemplates = false): string =>
  notesOf(file, targetOf({ url: new URL(url), areTemplates }));

/** Runs the import as npm does, in an empty folder. */
function begin(args: readonly string[], input = "", env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [resolve("scripts/import.ts"), ...args], {
    cwd: folder,
    env: { ...process.env, INIT_CWD: folder, FLOW_REPOSITORY_TOKEN: undefined, ...env },
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (text: Buffer) => (stdout += text.toString()));
  child.stderr.on("data", (text: Buffer) => (stderr += text.toString()));
  child.stdin.end(input);
  const ended = new Promise<Ran>((settle) => child.once("close", (code) => settle({ code, stdout, stderr })));
  return { child, ended };
}

describe("npm run import into a real service", () => {
  const secret = "the secret of a stack into which is imported";
  let stack: Stack;
  let token: string;
  beforeAll(async () => {
    stack = await startStack({ vars: { IAM_JWT_SECRET: secret } });
    token = await signToken(secret, { sub: "root", permissions: ["all"] });
  }, 60_000);
  afterAll(() => stack.close());

  const start = (...args: string[]) => begin([...args, "--url", stack.base, "--token", token]);
  const exported = async (what = "flows"): Promise<string[]> => {
    const answer = await fetch(`${stack.base}/${what}/export`, { headers: { authorization: `Bearer ${token}` } });
    return (await answer.text()).split("\n").filter((line) => line !== "");
  };

  it("goes on where it was killed, and comes to the same as in one go", async () => {
    const bad = new Set([5, 1500, 2400]);
    const documents = numbers(2500).map((nth) => original(nth, bad.has(nth) ? { status: "paused" } : {}));
    const file = fileOf(linesOf(documents));
    const notes = notesFor(file, stack.base);
    const killed = start(file);
    await expect.poll(() => existsSync(notes), { interval: 2, timeout: 30_000 }).toBe(true);
    killed.child.kill("SIGKILL");
    expect((await killed.ended).code).toBeNull();
    const { line } = JSON.parse(readFileSync(notes, "utf8")) as { line: number };
    expect([1000, 2000]).toContain(line);

    const { code, stdout, stderr } = await start(file).ended;
    expect(stderr).toContain(`Going on behind line ${line}`);
    expect([code, /refused +3/.test(stdout), stdout.includes("2,500 documents")]).toEqual([2, true, true]);
    expect((await exported()).map((one) => (JSON.parse(one) as { id: string }).id)).toEqual(
      numbers(2500).flatMap((nth) => (bad.has(nth) ? [] : [idOf(nth)])),
    );
    const refused = readFileSync(`${file}.refused.ndjson`, "utf8").trim().split("\n");
    expect(refused.map((one) => JSON.parse(one) as unknown)).toMatchObject(
      [...bad].map((nth) => ({
        line: nth + 1,
        id: idOf(nth),
        findings: [{ error: "STATUS_UNKNOWN", pointer: "/status" }],
      })),
    );
    expect(existsSync(notes)).toBe(false);
    const again = await start(file).ended;
    expect(again.stdout).toMatch(/unchanged +2,497/);
  });

  it("takes templates and their instances from one export each, packed or not, and writes nothing in a dry run", async () => {
    const template = {
      ...original(1, { _id: undefined, status: "draft" }),
      id: idOf(1, "5ca5c44c"),
      createdAt: "2024-01-02T00:00:00Z",
    };
    const node = { id: "a", function: "f", componentId: "5ca5c44c187c040010a9bb8b" };
    const graph = { nodes: [node], edges: [] };
    const own = { revision: 1, values: {} };
    const instance = { id: idOf(1, "6c0259e4"), fromTemplate: template.id, owners: template.owners, instance: own };
    const packed = fileOf(gzipSync(JSON.stringify([{ ...template, graph }, instance], null, 2)), "both.json.gz");
    const dry = await start(packed, "--dry-run").ended;
    expect(dry.stdout).toContain("Nothing was written");
    expect(dry.stderr).toContain("is not here, or it is among the templates of this run: a dry run does not store");
    expect((await start(fileOf(linesOf([instance]))).ended).stderr).not.toContain("dry run");
    expect([await exported("templates"), existsSync(`${packed}.refused.ndjson`), dry.code]).toEqual([[], false, 2]);
    const { code, stdout } = await start(packed).ended;
    expect([code, /imported +2/.test(stdout)]).toEqual([0, true]);
    expect(await exported("templates")).toHaveLength(1);
    expect((await exported()).some((line) => line.includes(instance.id))).toBe(true);
  });
});

describe.concurrent("a portion", () => {
  it("is sent again where that may pass: no answer, a busy service, one that is down", async () => {
    const { url, received } = await stub((nth, one) => {
      if (nth === 1) return "hang up";
      return nth === 2 ? { status: 503 } : taken(one);
    });
    const said: string[] = [];
    expect(await sendPortion(targetAt(url, said), portion(1))).toMatchObject({ imported: 1 });
    expect(countsOf(received)).toEqual([1, 1, 1]);
    expect(said).toEqual([
      expect.stringMatching(/^Waiting 0\.\d s\. No answer from http/),
      expect.stringContaining("503: So it is."),
    ]);
  });

  it.each([
    [401, "The token is not accepted (401): So it is."],
    [403, "The token must be of an account with the permission all (403): So it is."],
    [415, "The service refuses: So it is."],
  ])("is given up plainly where it is answered %i", async (status, sentence) => {
    const { url, received } = await stub(() => ({ status }));
    await expect(sendPortion(targetAt(url), portion(1))).rejects.toThrow(new Plain(sentence));
    expect(received).toHaveLength(1);
  });

  it("is sent in halves where it is too much, and what is too much alone is told with its line", async () => {
    const { url, received } = await stub((_, one) => {
      return one.texts.length > 1 || one.texts[0]!.includes("Flow 2") ? { status: 413 } : taken(one);
    });
    const outcome = await sendPortion(targetAt(url), portion(4));
    expect(countsOf(received)).toEqual([4, 2, 1, 1, 2, 1, 1]);
    expect(outcome).toMatchObject({ imported: 3, refusedCount: 1, refused: [{ line: 102 }] });
  });
});

describe("what was typed", () => {
  it.each<[string, string[], string]>([
    ["no file", [], "Name a file."],
    ["an option that there is not", ["x", "--force"], "Unknown option '--force'"],
    ["an address that is none", ["x", "--url", "nowhere"], "--url nowhere is no address."],
    ["no token for a service elsewhere", ["x", "--url", "https://a.example"], "Give --token, or set FLOW_REPOSITORY"],
    ["one report for several files", ["x", "y", "--report", "z", "--token", "t"], "--report goes with one file."],
  ])("says what is missing where there is %s", async (_, args, sentence) => {
    await expect(optionsIn(args)).rejects.toThrow(sentence);
  });
});

describe.concurrent("npm run import", () => {
  const withToken = ["--token", "t"];

  it("tells the lines of the file, whatever is between the documents", async () => {
    const { url } = await stub((_, one) =>
      taken(one, [{ line: 2, id: "x", findings: [{ error: "E", message: "M", pointer: "/p" }] }]),
    );
    const pretty = JSON.stringify([original(1), 5, original(2)], null, 2);
    const file = fileOf(pretty);
    const { code, stderr } = await begin([file, "--url", url, ...withToken]).ended;
    const lines = pretty.split("\n");
    const [five, second] = [lines.indexOf("  5,") + 1, lines.lastIndexOf("  {") + 1];
    expect(code).toBe(2);
    expect(stderr).toContain(`line ${five}: A document must be a JSON object.`);
    expect(stderr).toContain(`line ${second}, x: /p: M`);
  });

  it("sends portions of one kind, templates by themselves or all as told", async () => {
    const documents = [
      original(1),
      original(2, { status: "published" }),
      { revisionsOf: "x" },
      original(3, { status: "active" }),
    ];
    const both = await stub((_, one) => taken(one));
    await begin([fileOf(linesOf(documents)), "--url", both.url, ...withToken]).ended;
    expect(both.received.map(({ path, texts }) => [path, texts.length])).toEqual([
      ["/flows/import", 1],
      ["/templates/import", 2],
      ["/flows/import", 1],
    ]);
    const all = await stub((_, one) => taken(one));
    await begin(["-", "--templates", "--dry-run", "--url", all.url, ...withToken], linesOf(documents)).ended;
    expect(all.received.map(({ path, texts }) => [path, texts.length])).toEqual([["/templates/import?dryRun=true", 4]]);
  });

  it("ends at Ctrl-C behind what was answered, says how to go on, and does so", async () => {
    const { url, received } = await stub(async (nth, one) => {
      if (nth === 2) {
        const heard = once(run.child.stderr, "data");
        run.child.kill("SIGINT");
        await heard;
      }
      return taken(one);
    });
    const file = fileOf(linesOf(numbers(3500).map((nth) => original(nth))));
    const args = [file, "--url", url, ...withToken];
    const run = begin(args);
    const stopped = await run.ended;
    expect([stopped.code, countsOf(received)]).toEqual([130, [1000, 1000]]);
    expect(stopped.stdout).toContain("The same command goes on from here");
    const other = begin(args);
    expect((await other.ended).stderr).toContain("Going on behind line 2000");
    expect(countsOf(received)).toEqual([1000, 1000, 1000, 500]);
  });

  /** Has an import into a service broken off behind the first 1000 of its documents, one of which is refused. */
  async function brokenOff(file: string) {
    const { url, received } = await stub((nth, one) =>
      nth === 2 ? { status: 403 } : taken(one, nth === 1 ? [lost] : []),
    );
    const run = (...args: string[]) => begin([file, "--url", url, ...withToken, ...args]).ended;
    expect([(await run()).code, ...countsOf(received)]).toEqual([1, 1000, 500]);
    return { run, notes: notesFor(file, url), counts: () => countsOf(received).slice(2) };
  }
  const lost = { line: 7, id: "x", findings: [{ error: "E", message: "M" }] };

  it("goes on in the same file, and not if it is told to begin anew", async () => {
    const first = await brokenOff(many());
    await first.run();
    expect([first.counts(), existsSync(first.notes)]).toEqual([[500], false]);
    const second = await brokenOff(many());
    await second.run("--restart");
    expect(second.counts()).toEqual([1000, 500]);
  });

  it.each<[string, (file: string) => void]>([
    ["got longer", (file) => writeFileSync(file, linesOf([original(3)]), { flag: "a" })],
    [
      "was mended further down at the same size",
      (file) => {
        const { mtimeMs } = statSync(file);
        writeFileSync(file, readFileSync(file, "utf8").replace("Flow 1400", "Flow 1x00"));
        utimesSync(file, new Date(), new Date(mtimeMs + 2000));
      },
    ],
  ])("begins anew in a file that %s", async (_, change) => {
    const file = many();
    const { run, counts } = await brokenOff(file);
    change(file);
    await run();
    expect(counts().slice(0, 1)).toEqual([1000]);
  });

  it("begins anew into another service, and goes on in the first one", async () => {
    const file = many();
    const staging = await brokenOff(file);
    await brokenOff(file);
    await staging.run();
    expect(staging.counts()).toEqual([500]);
  });

  it("begins anew as another kind, and where the report of what was refused is another's by now", async () => {
    const { run, notes, counts } = await brokenOff(many());
    await run("--templates");
    expect([counts(), existsSync(notes)]).toEqual([[1000, 500], true]);
    await run();
    expect(counts()).toEqual([1000, 500, 1000, 500]);
  });

  it.each<[string, string[], string]>([
    ["a file that is not there", ["nowhere.json", ...withToken], "nowhere.json cannot be read."],
    ["no token for the local service", ["x"], "There is no IAM_JWT_SECRET in .dev.vars yet. Run: npm start"],
  ])("ends plainly where there is %s", async (_, args, sentence) => {
    const { code, stderr } = await begin(args).ended;
    expect([code, stderr.includes(sentence), stderr.includes("    at ")]).toEqual([1, true, false]);
  });
});
