/** The service in small: routers with an old map, verbs, one object per flow with its courier. */
import type { DatabaseSync } from "node:sqlite";

import { HOME, RESIDENTS, type Place, type Setting, type Status } from "./model.ts";
import { change, ownersOf, row, rows } from "./shard.ts";
import { ask, wait, type Task } from "./world.ts";

/** What one isolate or object believes about where homes are. Never refreshed but after a refusal. */
export type Router = Map<string, Place>;

interface FlowRow {
  readonly revision: number;
  readonly status: Status;
  readonly status_seq: number;
}

const READ = "SELECT revision, status, status_seq FROM flows WHERE id = ?";
const MESSAGE =
  "INSERT INTO outbox (flow_id, seq, queue, body, created_at, home) SELECT ?, ?, ?, 'text', 0, ? WHERE changes() > 0";

/** Runs a batch where the home is. The row of the fence is read in the same batch. */
export function* at<T>(
  s: Setting,
  router: Router,
  home: string,
  run: (db: DatabaseSync) => T,
  committed?: (value: T) => void,
): Task<T> {
  for (;;) {
    if (s.without === "fence" && s.world.random() < 0.01) router.delete(home);
    let place = router.get(home);
    if (place === undefined) {
      place = yield* ask(s.directory, () =>
        row<Place>(s.directory, "SELECT shard, epoch FROM homes WHERE home = ?", home),
      );
      if (place === undefined) throw new Error(`The directory does not know ${home}.`);
      router.set(home, place);
    }
    const db = s.shards[place.shard];
    const batch = () => ({
      value: run(db),
      fence: row<{ state: string }>(db, "SELECT state FROM homes WHERE home = ?", home),
    });
    try {
      const { value, fence } = yield* ask(db, batch, committed && ((answer) => committed(answer.value)));
      // The same question as the triggers ask, or a batch would count as refused that has been committed.
      const here = ["open", "leaving", "frozen"].includes(fence?.state ?? "");
      if (here || s.without === "fence" || s.without === "readFence") return value;
    } catch (error) {
      if (!(error instanceof Error) || error.message !== "HOME_NOT_HERE") throw error;
    }
    s.oracle.refused += 1;
    router.delete(home);
    yield* wait(5 + s.world.below(10));
  }
}

export class Service {
  readonly #s: Setting;
  readonly #routers: Router[] = [new Map(), new Map(), new Map(), new Map()];
  readonly #objects = new Map<string, { router: Router; turn: boolean; sending: boolean; wanted: boolean }>();
  #ids = 0;

  constructor(setting: Setting) {
    this.#s = setting;
  }

  *create(home: string): Task {
    const { world, oracle } = this.#s;
    this.#ids += 1;
    const id = this.#ids.toString(16).padStart(24, "0");
    const document = this.#document(home);
    for (;;) {
      const now = world.now;
      // Few places in a millisecond, so that places of two shards collide.
      const pos = Math.floor(now / 8) * 1024 + world.below(4);
      try {
        return yield* at(
          this.#s,
          world.pick(this.#routers),
          home,
          (db) => {
            change(
              db,
              `INSERT INTO flows (pos, id, home, revision, revised_at, revision_note, created_at, updated_at, status, status_seq, tries, search_text, document)
               VALUES (?, ?, ?, 1, ?, '', ?, ?, 'inactive', 0, 0, ?, ?)`,
              pos,
              id,
              home,
              now,
              now,
              now,
              home,
              document,
            );
            change(db, MESSAGE, id, 1, "notices", home);
          },
          () => {
            oracle.created(id, home, pos, document);
            this.wake(id);
          },
        );
      } catch (error) {
        if (!(error instanceof Error) || !error.message.includes("flows.pos")) throw error;
      }
    }
  }

  *edit(id: string): Task {
    const { home } = this.#truth(id);
    const router = this.#s.world.pick(this.#routers);
    const found = yield* at(this.#s, router, home, (db) => row<FlowRow>(db, READ, id));
    if (found?.status !== "inactive") return;
    const { revision, status_seq: seq } = found;
    const document = this.#document(home);
    const message = revision + seq + 1;
    yield* at(
      this.#s,
      router,
      home,
      (db) => {
        const changed = change(
          db,
          "UPDATE flows SET document = ?, revision = revision + 1, updated_at = ? WHERE id = ? AND revision = ? AND status_seq = ? AND status = 'inactive'",
          document,
          this.#s.world.now,
          id,
          revision,
          seq,
        );
        change(db, MESSAGE, id, message, "notices", home);
        return changed;
      },
      (changed) => {
        if (changed === 0) return;
        this.#s.oracle.edited(id, revision + 1, document, message);
        this.wake(id);
      },
    );
  }

  *remove(id: string): Task {
    const { home } = this.#truth(id);
    const router = this.#s.world.pick(this.#routers);
    const found = yield* at(this.#s, router, home, (db) => row<FlowRow>(db, READ, id));
    if (found?.status !== "inactive") return;
    const message = found.revision + found.status_seq + 1;
    yield* at(
      this.#s,
      router,
      home,
      (db) => {
        const changed = change(
          db,
          "DELETE FROM flows WHERE id = ? AND revision = ? AND status_seq = ?",
          id,
          found.revision,
          found.status_seq,
        );
        change(db, MESSAGE, id, message, "notices", home);
        return changed;
      },
      (changed) => {
        if (changed === 0) return;
        this.#s.oracle.removed(id, message);
        this.wake(id);
      },
    );
  }

  /** Through the flow's object: start, stop, or what the orchestrator reports; the one corridor. */
  *move(id: string, input: "start" | "stop" | "report"): Task {
    const { home } = this.#truth(id);
    const object = this.#objectOf(id);
    while (object.turn) yield* wait(3);
    object.turn = true;
    try {
      const found = yield* at(this.#s, object.router, home, (db) => row<FlowRow>(db, READ, id));
      const to = found && next[input][found.status];
      if (found === undefined || to === undefined) return;
      const { status, status_seq: seq, revision } = found;
      const message = input === "report" ? undefined : revision + seq + 1;
      yield* at(
        this.#s,
        object.router,
        home,
        (db) => {
          const changed = change(
            db,
            "UPDATE flows SET status = ?, status_seq = status_seq + 1, updated_at = ? WHERE id = ? AND status = ? AND status_seq = ? AND revision = ?",
            to,
            this.#s.world.now,
            id,
            status,
            seq,
            revision,
          );
          if (message !== undefined) change(db, MESSAGE, id, message, "commands", home);
          return changed;
        },
        (changed) => {
          if (changed === 0) return;
          this.#s.oracle.moved(id, seq + 1, to, message);
          if (message !== undefined) this.wake(id);
        },
      );
    } finally {
      object.turn = false;
    }
  }

  /** A read may not be older than what was accepted before it began. */
  *read(id: string): Task {
    const truth = this.#truth(id);
    const { version, deleted } = truth;
    const found = yield* at(this.#s, this.#s.world.pick(this.#routers), truth.home, (db) => row<FlowRow>(db, READ, id));
    const stale = found === undefined ? !truth.deleted : deleted || found.revision + found.status_seq < version;
    if (stale) this.#s.oracle.staleReads += 1;
  }

  /** Has the object hand over the flow's messages; one round at a time. */
  wake(id: string): void {
    const object = this.#objectOf(id);
    object.wanted = true;
    if (object.sending) return;
    object.sending = true;
    this.#s.world.spawn(this.#relay(id), 0.01, () => {
      object.sending = false;
      this.#s.world.spawn(this.#alarm(id));
    });
  }

  *#alarm(id: string): Task {
    yield* wait(30);
    this.wake(id);
  }

  *#relay(id: string): Task {
    const { home, sent } = this.#truth(id);
    const object = this.#objectOf(id);
    while (object.wanted) {
      object.wanted = false;
      const waiting = yield* at(this.#s, object.router, home, (db) =>
        rows<{ seq: number }>(db, "SELECT seq FROM outbox WHERE flow_id = ? ORDER BY seq", id),
      );
      for (const { seq } of waiting) {
        yield* wait(1);
        sent.push(seq);
        // Until this one is forgotten where the home is, the next is not sent.
        yield* at(this.#s, object.router, home, (db) =>
          change(db, "DELETE FROM outbox WHERE flow_id = ? AND seq = ?", id, seq),
        );
      }
    }
    object.sending = false;
  }

  /** One client: does this and that until it is told to stop. */
  *client(stopped: () => boolean): Task {
    const { world, oracle } = this.#s;
    while (!stopped()) {
      yield* wait(world.below(12));
      const home = world.random() < 0.8 ? HOME : world.pick(RESIDENTS);
      const known = [...oracle.flows].filter(([, truth]) => truth.home === home && !truth.deleted).map(([id]) => id);
      const drawn = world.random();
      const id = world.pick(known);
      if (id === undefined || drawn < (known.length < 14 ? 0.2 : 0.04)) yield* this.create(home);
      else if (drawn < 0.4) yield* this.edit(id);
      else if (drawn < 0.48) yield* this.remove(id);
      else if (drawn < 0.75) yield* this.move(id, world.random() < 0.5 ? "start" : "stop");
      else if (drawn < 0.9) yield* this.move(id, "report");
      else yield* this.read(id);
    }
  }

  #document(home: string): string {
    return JSON.stringify({
      name: `n${this.#s.world.below(1e9)}`,
      owners: ownersOf(home, `user-${this.#s.world.below(5)}`),
    });
  }

  #truth(id: string) {
    const truth = this.#s.oracle.flows.get(id);
    if (truth === undefined) throw new Error(`No flow ${id}.`);
    return truth;
  }

  #objectOf(id: string) {
    const found = this.#objects.get(id) ?? { router: new Map(), turn: false, sending: false, wanted: false };
    this.#objects.set(id, found);
    return found;
  }
}

const next: Record<"start" | "stop" | "report", Partial<Record<Status, Status>>> = {
  start: { inactive: "starting" },
  stop: { starting: "stopping", active: "stopping" },
  report: { starting: "active", stopping: "inactive" },
};
