/** What becomes of a document that is sent: written, written over what is here, or not. */
export type Verdict = "imported" | "updated" | "unchanged" | "kept";

/** What is here under the id of a line. */
export interface Present {
  readonly isSameDocument: boolean;
  readonly status: string;
  readonly updatedAt: number;
  /** How often the status moved, and which start it belongs to; templates have neither. */
  readonly statusSeq?: number;
  readonly startId?: string | null;
}

export interface Line {
  readonly status: string;
  readonly updatedAt: number;
  readonly statusSeq?: number;
  /** Undefined if the line does not say. */
  readonly sentStartId?: string | null | undefined;
}

/**
 * Who is right. What differs is written only if it is newer than what is here, and never over a status that moved here:
 * such a flow has another number of transitions, or another start, than the import of the line would have given it.
 */
export function verdictOn(line: Line, present: Present | undefined): Verdict {
  if (present === undefined) return "imported";
  const isNewer = line.updatedAt > present.updatedAt;
  if (present.isSameDocument && present.status === line.status && !isNewer) return "unchanged";
  const hasMoved =
    present.statusSeq !== line.statusSeq ||
    (line.sentStartId !== undefined && present.startId !== undefined && line.sentStartId !== present.startId);
  return isNewer && !hasMoved ? "updated" : "kept";
}
