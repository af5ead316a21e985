import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";

import type { Outcome } from "./sending.ts";

/** How far a run has come in a file, and what became of the documents so far. */
export interface Progress {
  readonly fingerprint: string;
  readonly documents: number;
  readonly line: number;
  readonly counts: Omit<Outcome, "refused">;
  /** Bytes of the report of refused documents that belong to it. */
  readonly reported: number;
}

/** What an earlier run noted of the same file; undefined if it noted nothing, or of another file. */
export function progressIn(file: string, fingerprint: string): Progress | undefined {
  if (!existsSync(file)) return undefined;
  try {
    const noted = JSON.parse(readFileSync(file, "utf8")) as Progress;
    return noted.fingerprint === fingerprint ? noted : undefined;
  } catch {
    return undefined;
  }
}

/** As a whole or not at all, whatever ends the run. */
export function noteProgress(file: string, progress: Progress): void {
  writeFileSync(`${file}.new`, `${JSON.stringify(progress)}\n`);
  renameSync(`${file}.new`, file);
}

export const forgetProgress = (file: string): void => rmSync(file, { force: true });
