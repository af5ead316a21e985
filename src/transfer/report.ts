import { z } from "zod";

import { finding, Finding } from "../flows/findings.ts";
import { Meta } from "../flows/model.ts";
import type { Verdict } from "./verdict.ts";

const count = (description: string) => z.int().meta({ description, example: 0 });

export const ImportReport = z
  .object({
    read: z.int().meta({ description: "Documents that were found.", example: 1000 }),
    imported: z.int().meta({ description: "New ones that were stored.", example: 990 }),
    updated: count("Those that were here otherwise and were replaced by what is newer."),
    unchanged: count("Those that were here just so."),
    kept: count(
      "Those that differ from what is here, which is newer, has been started or stopped here, or is being started or stopped, and stays.",
    ),
    refused: z
      .array(
        z
          .object({
            line: z.int().meta({ description: "Line on which the document begins.", example: 17 }),
            id: z
              .string()
              .optional()
              .meta({ description: "Its id, if it can be read.", example: "6b0259e4ef2fe4ca09ca001d" }),
            findings: z.array(Finding).meta({ description: "What is wrong, each with its place in the document." }),
          })
          .meta({ id: "RefusedDocument", description: "A document that was not stored." }),
      )
      .meta({ description: "Documents that were not stored, and why; the first 1000." }),
    refusedCount: count("How many were not stored."),
  })
  .meta({ id: "ImportReport", description: "What became of the documents of an import." });
export type ImportReport = z.infer<typeof ImportReport>;
type Refused = ImportReport["refused"][number];

export const ImportReportAnswer = z
  .object({ data: ImportReport, meta: Meta })
  .meta({ id: "ImportReportAnswer", description: "The report of an import." });

const MOST_REFUSED = 1000;
/** What is told of one document must stay short: an answer may tell of a thousand. */
const MOST_FINDINGS = 20;
const MOST_CHARACTERS = 300;

/** Counts what becomes of each document. */
export class Tally {
  #read = 0;
  #refusedCount = 0;
  readonly #refused: Refused[] = [];
  readonly #verdicts: Record<Verdict, number> = { imported: 0, updated: 0, unchanged: 0, kept: 0 };

  read(): number {
    this.#read += 1;
    return this.#read;
  }

  count(verdict: Verdict): void {
    this.#verdicts[verdict] += 1;
  }

  refuse(line: number, id: string | undefined, findings: readonly Finding[]): void {
    this.#refusedCount += 1;
    if (this.#refused.length >= MOST_REFUSED) return;
    this.#refused.push({ line, ...(id === undefined ? {} : { id }), findings: shortened(findings) });
  }

  get report(): ImportReport {
    const refused = this.#refused.toSorted((one, other) => one.line - other.line);
    return { read: this.#read, ...this.#verdicts, refused, refusedCount: this.#refusedCount };
  }
}

function shortened(findings: readonly Finding[]): Finding[] {
  const told = findings
    .slice(0, MOST_FINDINGS)
    .map((one) => ({ ...one, message: cut(one.message), pointer: cut(one.pointer) }));
  const rest = findings.length - told.length;
  return rest === 0 ? told : [...told, finding("MORE_FINDINGS", [], `There are ${rest} more findings.`)];
}

const cut = (text: string): string => (text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}…` : text);
