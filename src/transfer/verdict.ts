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
 * Who is right. What differs is written only if it is newer, and never over a flow that waits for an answer to a command,
 * nor over a status that moved here: by its transitions or its start it is not what the line would have made of it.
 */
export function verdictOn(line: Line, present: Present | undefined): Verdict {
  if (present === undefined) return "imported";
  const isNewer = line.updatedAt > present.updatedAt;
  if (present.isSameDocument && present.status === line.status && !isNewer) return "unchanged";
  const waits = present.status === "starting" || present.status === "stopping";
  const hasMoved =
    present.statusSeq !== line.statusSeq ||
    (line.sentStartId !== undefined && present.startId !== undefined && line.sentStartId !== present.startId);
  return isNewer && !waits && !hasMoved ? "updated" : "kept";
}
