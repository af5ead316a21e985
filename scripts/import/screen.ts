import type { Refused } from "./portions.ts";

const LINE_EVERY_MS = 5000;
const BAR = 24;
const MOST_SHOWN = 20;

const grouped = (count: number): string => count.toLocaleString("en-US");

function clock(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/** What whoever runs the import sees: a bar on a terminal, a line every five seconds elsewhere. */
export class Screen {
  readonly #isTerminal = process.stderr.isTTY;
  readonly #began = Date.now();
  readonly #already: number;
  #shownAt = Date.now();
  #shown = 0;

  /** So many documents were sent by an earlier run. */
  constructor(already: number) {
    this.#already = already;
  }

  /** How many documents are done, and which part of the file that is. */
  progress(documents: number, part: number | undefined): void {
    if (!this.#isTerminal && Date.now() - this.#shownAt < LINE_EVERY_MS) return;
    this.#shownAt = Date.now();
    const seconds = (Date.now() - this.#began) / 1000;
    const rate = (documents - this.#already) / Math.max(seconds, 0.001);
    const told = [`${grouped(documents)} documents`, `${grouped(Math.round(rate))}/s`];
    if (part !== undefined && part > 0) told.push(`${clock((seconds / part) * (1 - part))} left`);
    if (!this.#isTerminal) return this.line(`${percent(part)}${told.join(", ")}`);
    const filled = Math.round((part ?? 0) * BAR);
    const bar = part === undefined ? "" : `[${"#".repeat(filled)}${".".repeat(BAR - filled)}] `;
    process.stderr.write(`\r\u001b[K${bar}${percent(part)}${told.join(", ")}`);
    return undefined;
  }

  line(text: string): void {
    this.clear();
    process.stderr.write(`${text}\n`);
  }

  clear(): void {
    if (this.#isTerminal) process.stderr.write("\r\u001b[K");
  }

  /** The first few of those that were refused. */
  refused(all: readonly Refused[], report: string | undefined): void {
    for (const { line, id, findings } of all) {
      if (this.#shown === MOST_SHOWN) {
        this.line(report === undefined ? "  … and more" : `  … and more, in ${report}`);
      }
      this.#shown += 1;
      if (this.#shown > MOST_SHOWN) return;
      const [first, ...more] = findings;
      const place = first?.pointer ? ` ${first.pointer}:` : "";
      const rest = more.length === 0 ? "" : ` (and ${more.length} more)`;
      this.line(`  line ${line}${id === undefined ? "" : `, ${id}`}:${place} ${first?.message ?? ""}${rest}`);
    }
  }
}

const percent = (part: number | undefined): string =>
  part === undefined ? "" : `${String(Math.floor(part * 100)).padStart(3)} %  `;
