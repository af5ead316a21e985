import { documentsIn, MOST_BYTES_OF_A_DOCUMENT } from "../../src/transfer/documents.ts";
import { Plain, type Options } from "./options.ts";
import { portionsOf, type Portion, type Refused } from "./portions.ts";
import { forgetProgress, noteProgress, notesOf, progressIn, targetOf, type Progress } from "./progress.ts";
import { hasReport, ReportFile } from "./report-file.ts";
import { Screen } from "./screen.ts";
import { joined, sendPortion, type Outcome, type Target } from "./sending.ts";
import { sourceOf } from "./source.ts";

export interface Done {
  readonly file: string;
  readonly documents: number;
  /** Sent by this run; the others by one before. */
  readonly sent: number;
  readonly counts: Omit<Outcome, "refused">;
  readonly errors: ReadonlySet<string>;
  readonly seconds: number;
  readonly report: string | undefined;
  readonly isComplete: boolean;
}

/** How the caller has a run end early. */
export interface Stop {
  readonly isWanted: () => boolean;
  readonly signal: AbortSignal;
}

const none = { imported: 0, updated: 0, unchanged: 0, kept: 0, refusedCount: 0 };

/** Imports one file, from where an earlier run came to. */
export async function importFile(file: string, options: Options, stop: Stop): Promise<Done> {
  const { isDry, areTemplates } = options;
  const source = sourceOf(file);
  const report = reportFor(file, options);
  const notes = notesFor(file, source.fingerprint, options);
  const earlier = notes === undefined || options.isAnew ? undefined : earlierIn(notes, report);
  const told = report === undefined ? undefined : new ReportFile(report, earlier?.reported);
  const behind = earlier?.documents ?? 0;
  const screen = new Screen(behind);
  if (earlier !== undefined) {
    screen.line(`Going on behind line ${earlier.line}, where an earlier run came to. --restart begins anew.`);
  }
  const target: Target = { ...options, signal: stop.signal, say: (text) => screen.line(text) };
  const began = Date.now();
  const errors = new Set<string>();
  let counts: Done["counts"] = earlier?.counts ?? none;
  let documents = behind;

  const settle = (portion: Portion, outcome: Outcome): void => {
    const { refused: all, ...sum } = joined({ ...counts, refused: [] }, outcome);
    const refused = isDry ? all.map(asOfDryRun) : all;
    counts = sum;
    documents = portion.documents;
    for (const one of refused) for (const { error } of one.findings) errors.add(error);
    told?.tell(refused);
    screen.refused(refused, report);
    if (notes !== undefined && told !== undefined) {
      const { path, ...about } = notes;
      noteProgress(path, { ...about, documents, line: portion.line, counts, reported: told.reported });
    }
    screen.progress(documents, source.size === undefined ? undefined : source.bytesRead() / Math.max(source.size, 1));
  };

  const found = documentsIn(source.chunks, { most: MOST_BYTES_OF_A_DOCUMENT });
  const isComplete = await sendAll(portionsOf(found, { areTemplates, behind }), target, stop, settle);
  screen.clear();
  if (isComplete && notes !== undefined) forgetProgress(notes.path);
  const seconds = (Date.now() - began) / 1000;
  return { file, documents, sent: documents - behind, counts, errors, seconds, report, isComplete };
}

interface Notes extends Pick<Progress, "fingerprint" | "target"> {
  readonly path: string;
}

/** Where it is noted how far a run came; nowhere of one that stores nothing or cannot go on. */
function notesFor(file: string, fingerprint: string | undefined, options: Options): Notes | undefined {
  if (options.isDry || fingerprint === undefined) return undefined;
  const target = targetOf(options);
  return { path: notesOf(file, target), fingerprint, target };
}

/** Without the report of what was refused before, a run begins anew to tell it again. */
function earlierIn(notes: Notes, report: string | undefined): Progress | undefined {
  const noted = progressIn(notes.path, notes);
  return noted !== undefined && report !== undefined && hasReport(report, noted.reported) ? noted : undefined;
}

/** A dry run writes no file that nobody asked for. */
function reportFor(file: string, { report, isDry }: Options): string | undefined {
  if (report !== undefined || isDry) return report;
  return file === "-" ? "import.refused.ndjson" : `${file}.refused.ndjson`;
}

const MAY_COME = "or it is among the templates of this run: a dry run does not store them.";

/** What is refused for want of a template may be taken by a run that stores it before. */
function asOfDryRun(refused: Refused): Refused {
  const findings = refused.findings.map((one) => {
    if (one.error !== "TEMPLATE_REVISION_NOT_FOUND") return one;
    return { ...one, message: `${one.message.replace(/\.$/, "")}, ${MAY_COME}` };
  });
  return { ...refused, findings };
}

/**
 * Sends portions one after the other, the next one being read meanwhile; two at a time were no faster. Answers whether
 * it came to the end.
 */
async function sendAll(
  portions: AsyncGenerator<Portion>,
  target: Target,
  stop: Stop,
  settle: (portion: Portion, outcome: Outcome) => void,
): Promise<boolean> {
  let onItsWay: Promise<void> | undefined;
  try {
    for await (const portion of portions) {
      await onItsWay;
      onItsWay = undefined;
      if (stop.isWanted()) break;
      onItsWay = sendPortion(target, portion).then((outcome) => settle(portion, outcome));
      // Whoever waits for it hears of its failure.
      onItsWay.catch(() => undefined);
    }
    await onItsWay;
  } catch (error) {
    if (stop.isWanted()) return false;
    if (error instanceof Error && "code" in error && String(error.code).startsWith("Z_")) {
      throw new Plain(`The file is not packed as it says, or was cut off. ${error.message}`);
    }
    throw error;
  }
  return !stop.isWanted();
}
