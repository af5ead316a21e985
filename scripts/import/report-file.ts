import { closeSync, existsSync, ftruncateSync, openSync, rmSync, statSync, writeSync } from "node:fs";

import type { Refused } from "./portions.ts";

/** Where refused documents are told, one to a line. It is there only if there are any. */
export class ReportFile {
  readonly #file: string;
  #bytes: number;

  /** What an earlier run told behind `keep` bytes is told again, and forgotten here. */
  constructor(file: string, keep: number) {
    this.#file = file;
    this.#bytes = existsSync(file) ? Math.min(keep, statSync(file).size) : 0;
    if (this.#bytes === 0) rmSync(file, { force: true });
    else this.#open((handle) => ftruncateSync(handle, this.#bytes));
  }

  get bytes(): number {
    return this.#bytes;
  }

  tell(refused: readonly Refused[]): void {
    if (refused.length === 0) return;
    const text = Buffer.from(refused.map((one) => `${JSON.stringify(one)}\n`).join(""));
    this.#open((handle) => writeSync(handle, text, 0, text.length, this.#bytes));
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
