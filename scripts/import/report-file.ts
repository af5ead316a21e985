import { createHash } from "node:crypto";
import { closeSync, existsSync, ftruncateSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";

import type { Refused } from "./portions.ts";
import type { Reported } from "./progress.ts";

const nothing: Reported = { bytes: 0, digest: createHash("sha256").digest("hex") };

/** Whether a report begins with what an earlier run told. A run into another target may have written over it. */
export function hasReport(file: string, { bytes, digest }: Reported): boolean {
  const told = existsSync(file) ? readFileSync(file).subarray(0, bytes) : Buffer.alloc(0);
  return told.length === bytes && createHash("sha256").update(told).digest("hex") === digest;
}

/** Where refused documents are told, one to a line. It is there only if there are any. */
export class ReportFile {
  readonly #file: string;
  readonly #hash = createHash("sha256");
  #bytes: number;

  /** What an earlier run told behind what is kept is told again, and forgotten here. */
  constructor(file: string, { bytes }: Reported = nothing) {
    this.#file = file;
    this.#bytes = bytes;
    if (bytes === 0) rmSync(file, { force: true });
    else {
      this.#hash.update(readFileSync(file).subarray(0, bytes));
      this.#open((handle) => ftruncateSync(handle, bytes));
    }
  }

  get reported(): Reported {
    return { bytes: this.#bytes, digest: this.#hash.copy().digest("hex") };
  }

  tell(refused: readonly Refused[]): void {
    if (refused.length === 0) return;
    const text = Buffer.from(refused.map((one) => `${JSON.stringify(one)}\n`).join(""));
    this.#open((handle) => writeSync(handle, text, 0, text.length, this.#bytes));
    this.#hash.update(text);
    this.#bytes += text.length;
  }

  #open(act: (handle: number) => unknown): void {
    const handle = openSync(this.#file, existsSync(this.#file) ? "r+" : "w");
    try {
      act(handle);
    } finally {
      closeSync(handle);
    }
  }
}
