import { createHash } from "node:crypto";
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";

import type { Options } from "./options.ts";
import type { Outcome } from "./sending.ts";

/** How far a run has come in a file, and what became of the documents so far. */
export interface Progress {
  readonly fingerprint: string;
  /** What the run goes into. */
  readonly target: string;
  readonly documents: number;
  readonly line: number;
  readonly counts: Omit<Outcome, "refused">;
  /** The part of the report of refused documents that belongs to it. */
  readonly reported: Reported;
}

export interface Reported {
  readonly bytes: number;
  readonly digest: string;
}

/** What a file is imported into and as what: how far it came in one says nothing of another. */
export const targetOf = ({ url, areTemplates }: Pick<Options, "url" | "areTemplates">): string =>
  `${url.origin}${url.pathname} ${areTemplates ? "templates" : "flows"}`;

/** Each target has notes of its own beside the file. */
export const notesOf = (file: string, target: string): string =>
  `${file}.${createHash("sha256").update(target).digest("hex").slice(0, 8)}.progress`;

/** What an earlier run noted; undefined if it noted nothing, or of another file or target. */
export function progressIn(notes: string, about: Pick<Progress, "fingerprint" | "target">): Progress | undefined {
  if (!existsSync(notes)) return undefined;
  try {
    const noted = JSON.parse(readFileSync(notes, "utf8")) as Progress;
    return noted.fingerprint === about.fingerprint && noted.target === about.target ? noted : undefined;
  } catch {
    return undefined;
  }
}

/** As a whole or not at all, whatever ends the run. */
export function noteProgress(notes: string, progress: Progress): void {
  writeFileSync(`${notes}.new`, `${JSON.stringify(progress)}\n`);
  renameSync(`${notes}.new`, notes);
}

export const forgetProgress = (notes: string): void => rmSync(notes, { force: true });
