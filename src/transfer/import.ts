import { finding, type Finding } from "../flows/findings.ts";
import type { Context } from "../identity/context.ts";
import { AppError } from "../platform/errors.ts";
import { parseJson } from "../platform/http.ts";
import { logLine } from "../platform/log.ts";
import { isRecord } from "../platform/shape.ts";
import { tooMuch } from "./body.ts";
import { documentsIn, type Found } from "./documents.ts";
import { plainLine, type Read } from "./head.ts";
import { Tally, type ImportReport } from "./report.ts";
import type { Verdict } from "./verdict.ts";

/** What is imported, and how it is read and written. */
export interface Importer<T extends { readonly id: string }> {
  readonly noun: string;
  /** Bytes that a document may have as it is sent. */
  readonly most: number;
  /** Finds what lines refer to, and answers how to read them. */
  readonly prepare: (lines: readonly Line[]) => Promise<(line: Line) => Read<T>>;
  /** Writes documents with different ids; or, of a dry run, only says what would become of each. */
  readonly write: (all: readonly T[], isDry: boolean) => Promise<Outcomes>;
}

export type Line = Record<string, unknown>;
/** By id: what became of a document, or why it cannot be stored. */
export type Outcomes = ReadonlyMap<string, Verdict | readonly Finding[]>;

export interface Import {
  readonly bytes: AsyncIterable<Uint8Array>;
  /** Number of the first line, as reports shall tell it. */
  readonly line: number;
  readonly isDry: boolean;
}

const MOST_DOCUMENTS = 20_000;
const MOST_IN_A_PORTION = 250;
const MOST_BYTES_OF_A_PORTION = 1_500_000;
/** A request may ask only so much of the database; the same id again and again would make portions of one. */
const MOST_WRITES = 150;

/** Stores documents as they come, in portions. What was stored stays, whatever becomes of the rest. */
export async function importDocuments<T extends { readonly id: string }>(
  ctx: Context,
  { bytes, line, isDry }: Import,
  importer: Importer<T>,
): Promise<ImportReport> {
  const began = ctx.now();
  const tally = new Tally();
  const work = { importer, isDry, tally, writes: 0 };
  let portion: Found[] = [];
  let size = 0;
  for await (const found of documentsIn(bytes, { line, most: importer.most })) {
    if (tally.read() > MOST_DOCUMENTS) {
      await importPortion(work, portion);
      throw tooMuch(`At most ${MOST_DOCUMENTS} documents are taken at once.`);
    }
    portion.push(found);
    size += "text" in found ? found.text.length : 0;
    if (portion.length < MOST_IN_A_PORTION && size < MOST_BYTES_OF_A_PORTION) continue;
    await importPortion(work, portion);
    portion = [];
    size = 0;
  }
  await importPortion(work, portion);
  const { report } = tally;
  const { refused: _, ...counts } = report;
  logLine(ctx.config, "import", {
    requestId: ctx.requestId,
    of: importer.noun,
    isDry,
    ...counts,
    ms: ctx.now() - began,
  });
  return report;
}

interface Work<T extends { readonly id: string }> {
  readonly importer: Importer<T>;
  readonly isDry: boolean;
  readonly tally: Tally;
  writes: number;
}

async function importPortion<T extends { readonly id: string }>(
  work: Work<T>,
  portion: readonly Found[],
): Promise<void> {
  const { importer, tally } = work;
  const lines = portion.map((found): [number, Line | undefined] => [found.line, lineIn(found, tally, importer.noun)]);
  const read = await importer.prepare(lines.flatMap(([, line]) => (line === undefined ? [] : [line])));
  let stored: Numbered<T> = new Map();
  for (const [number, line] of lines) {
    const one = line === undefined ? undefined : read(line);
    if (one?.ok === false) tally.refuse(number, one.id, one.findings);
    if (one?.ok !== true) continue;
    // The second of the same id is judged against the first.
    if (stored.has(one.stored.id)) {
      await write(work, stored);
      stored = new Map();
    }
    stored.set(one.stored.id, [number, one.stored]);
  }
  await write(work, stored);
}

type Numbered<T> = Map<string, readonly [line: number, stored: T]>;

async function write<T extends { readonly id: string }>(work: Work<T>, stored: Numbered<T>): Promise<void> {
  if (stored.size === 0) return;
  if (work.writes === MOST_WRITES) throw tooMuch("The same ids stand here too often.");
  work.writes += 1;
  const all = [...stored.values()].map(([, one]) => one);
  for (const [id, outcome] of await work.importer.write(all, work.isDry)) {
    if (typeof outcome === "string") work.tally.count(outcome);
    else work.tally.refuse(stored.get(id)![0], id, outcome);
  }
}

/** A document as plain JSON; undefined if it is none, which is told. */
function lineIn(found: Found, tally: Tally, noun: string): Line | undefined {
  if ("fault" in found) {
    tally.refuse(found.line, undefined, [finding(found.fault.error, [], found.fault.message)]);
    return undefined;
  }
  const value = parsedIn(found.line, found.text, tally);
  if (value === undefined) return undefined;
  if (isRecord(value)) return plainLine(value);
  tally.refuse(found.line, undefined, [finding("WRONG_TYPE", [], `A ${noun} must be a JSON object.`)]);
  return undefined;
}

function parsedIn(line: number, text: string, tally: Tally): unknown {
  try {
    return parseJson(text);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const findings = error.items.map(({ error: code, message, detail }) =>
      finding(code, [], message.replace("body", "document"), detail),
    );
    tally.refuse(line, undefined, findings);
    return undefined;
  }
}
