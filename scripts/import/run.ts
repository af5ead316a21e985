import { documentsIn, MOST_BYTES_OF_A_DOCUMENT } from "../../src/transfer/documents.ts";
import { Plain, type Options } from "./options.ts";
import { portionsOf, type Portion } from "./portions.ts";
import { forgetProgress, noteProgress, progressIn } from "./progress.ts";
import { ReportFile } from "./report-file.ts";
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
  const notes = isDry || source.fingerprint === undefined ? undefined : `${file}.progress`;
  const earlier = notes === undefined || options.isAnew ? undefined : progressIn(notes, source.fingerprint!);
  const report = reportFor(file, options);
  const told = report === undefined ? undefined : new ReportFile(report, earlier?.reported ?? 0);
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
    const { refused, ...sum } = joined({ ...counts, refused: [] }, outcome);
    counts = sum;
    documents = portion.documents;
    for (const one of refused) for (const { error } of one.findings) errors.add(error);
    told?.tell(refused);
    screen.refused(refused, report);
    const { fingerprint } = source;
    if (notes !== undefined && fingerprint !== undefined) {
      noteProgress(notes, { fingerprint, documents, line: portion.line, counts, reported: told?.bytes ?? 0 });
    }
    screen.progress(documents, source.size === undefined ? undefined : source.bytesRead() / Math.max(source.size, 1));
  };

  const found = documentsIn(source.chunks, { most: MOST_BYTES_OF_A_DOCUMENT });
  const isComplete = await sendAll(portionsOf(found, { areTemplates, behind }), target, stop, settle);
  screen.clear();
  if (isComplete && notes !== undefined) forgetProgress(notes);
  const seconds = (Date.now() - began) / 1000;
  return { file, documents, sent: documents - behind, counts, errors, seconds, report, isComplete };
}

/** A dry run writes no file that nobody asked for. */
function reportFor(file: string, { report, isDry }: Options): string | undefined {
  if (report !== undefined || isDry) return report;
  return file === "-" ? "import.refused.ndjson" : `${file}.refused.ndjson`;
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
