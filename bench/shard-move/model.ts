import type { DatabaseSync } from "node:sqlite";

import type { World } from "./world.ts";

/** What is left out in a run, to see whether the check notices. */
export const ablations = {
  none: "as designed",
  fence: "writes are not fenced; routers learn of the move by time",
  readFence: "reads do not ask whether the home is here",
  moverFence: "a dead mover's statements are not fenced",
  changeLog: "catch-up by updated_at instead of the change log",
  freeze: "hand-over does not ask whether its freeze still holds",
} as const;
export type Ablation = keyof typeof ablations;

export type ShardName = "A" | "B";
export interface Place {
  readonly shard: ShardName;
  readonly epoch: number;
}

export interface Setting {
  readonly world: World;
  readonly without: Ablation;
  readonly directory: DatabaseSync;
  readonly shards: Record<ShardName, DatabaseSync>;
  readonly oracle: Oracle;
}

export const HOME = "home-moving";
export const RESIDENTS: readonly string[] = ["home-a", "home-b"];
export const statuses = ["inactive", "starting", "active", "stopping"] as const;
export type Status = (typeof statuses)[number];

/** What was accepted of one flow, told at the commit. */
export class FlowTruth {
  readonly home: string;
  readonly pos: number;
  readonly documents = new Map<number, string>();
  readonly moves = new Map<number, Status>();
  readonly messages = new Set<number>();
  readonly sent: number[] = [];
  deleted = false;

  constructor(home: string, pos: number, document: string) {
    this.home = home;
    this.pos = pos;
    this.documents.set(1, document);
    this.moves.set(0, "inactive");
  }

  get revision(): number {
    return this.documents.size;
  }

  get statusSeq(): number {
    return this.moves.size - 1;
  }

  /** Grows by one with each accepted change. */
  get version(): number {
    return this.revision + this.statusSeq;
  }
}

/** Knows all that was accepted, and counts what must not happen. */
export class Oracle {
  readonly flows = new Map<string, FlowTruth>();
  accepted = 0;
  refused = 0;
  /** Two different changes were accepted under one number, or one after the flow was deleted. */
  doubled = 0;
  /** A read that began after a change was accepted did not show it. */
  staleReads = 0;
  /** Round trips of the mover from each freeze to its hand-over. */
  readonly freezeCalls: number[] = [];
  /** Freezes that ended before the hand-over, and moves that were taken back. */
  lapses = 0;
  returns = 0;

  created(id: string, home: string, pos: number, document: string): void {
    this.accepted += 1;
    const truth = new FlowTruth(home, pos, document);
    truth.messages.add(1);
    this.flows.set(id, truth);
  }

  edited(id: string, revision: number, document: string, message: number): void {
    const truth = this.#of(id);
    if (truth.deleted || revision !== truth.revision + 1) this.doubled += 1;
    truth.documents.set(revision, document);
    truth.messages.add(message);
  }

  moved(id: string, statusSeq: number, to: Status, message: number | undefined): void {
    const truth = this.#of(id);
    if (truth.deleted || statusSeq !== truth.statusSeq + 1) this.doubled += 1;
    truth.moves.set(statusSeq, to);
    if (message !== undefined) truth.messages.add(message);
  }

  removed(id: string, message: number): void {
    const truth = this.#of(id);
    if (truth.deleted) this.doubled += 1;
    truth.deleted = true;
    truth.messages.add(message);
  }

  #of(id: string): FlowTruth {
    this.accepted += 1;
    const truth = this.flows.get(id);
    if (truth === undefined) throw new Error(`No flow ${id} was ever accepted.`);
    return truth;
  }
}
