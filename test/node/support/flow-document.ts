import type { FlowForOrchestrator } from "./original.ts";
import type { Startable } from "./stored.ts";

export interface StoredFlow extends Startable {
  readonly status: string;
}

/**
 * A document as mongoose gives it: a copy, of which only the status is written back. So what a command changes while the
 * orchestrator works on its copy is overwritten, as in the original.
 */
export class FlowDocument implements FlowForOrchestrator {
  readonly #rows: Map<string, StoredFlow>;
  readonly id: string;
  readonly graph: StoredFlow["graph"];
  readonly startedBy: string | null | undefined;
  #status: string;

  constructor(rows: Map<string, StoredFlow>, row: StoredFlow) {
    this.#rows = rows;
    this.id = row.id;
    this.graph = row.graph;
    this.startedBy = row.startedBy;
    this.#status = row.status;
  }

  get isStarting(): boolean {
    return this.#status === "starting";
  }

  get isStopping(): boolean {
    return this.#status === "stopping";
  }

  get isPreparing(): boolean {
    return this.#status.includes("preparing-by");
  }

  preparingBy(orchestrator: string): boolean {
    return this.#status === `preparing-by-${orchestrator}`;
  }

  getNodes(): StoredFlow["graph"]["nodes"] {
    return this.graph.nodes;
  }

  onStarting(orchestrator: string): Promise<void> {
    return this.#save(`preparing-by-${orchestrator}`);
  }

  onPrepared(): Promise<void> {
    return this.#save("prepared");
  }

  onStarted(): Promise<void> {
    return this.#save("started");
  }

  async onStopped(): Promise<void> {
    this.#rows.delete(this.id);
  }

  async #save(status: string): Promise<void> {
    const row = this.#rows.get(this.id);
    if (row === undefined) throw new Error(`No document found for query "{ _id: ${this.id} }"`);
    this.#status = status;
    this.#rows.set(this.id, { ...row, status });
  }
}
