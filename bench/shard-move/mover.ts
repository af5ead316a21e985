/**
 * Moves a home to another shard while its flows run. It may die at any round trip; whoever resumes it reads all it
 * needs from the two shards and the directory.
 *
 * claim     the new shard takes the home as arriving, under the next epoch; each mover has a new number there
 * leave     the old shard writes down which flows change from now on
 * copy      a walk over the places, a few flows a batch
 * catch up  what changed since, again and again, until little is left
 * freeze    the old shard refuses writes for a short time that ends by itself; the last changes follow; both are compared
 * gone      the old shard refuses for good, if that freeze still holds: from here there is only forward
 * open      the new shard serves; then the directory says so; then the old rows are removed
 * back      any time before gone: the old shard opens under the next epoch, the directory follows, the copy is removed
 */
import type { DatabaseSync } from "node:sqlite";

import { clear, digest, present, write, type Copied } from "./copy.ts";
import type { Setting, ShardName } from "./model.ts";
import { change, row, rows } from "./shard.ts";
import { ask, wait, type Task } from "./world.ts";

const CHUNK = 3;
const FEW = 3;
const LEASE = 80;
const WALKED = 2 ** 52;

interface Move {
  readonly home: string;
  readonly epoch: number;
  readonly from: DatabaseSync;
  readonly to: DatabaseSync;
  readonly target: ShardName;
}

type Outcome = "moved" | "superseded" | "back";

/** How often the comparison before the hand-over is made to fail, so that the home goes back. */
const DOUBT = 0.15;

export function* moveHome(s: Setting, move: Move): Task<Outcome> {
  const { home, epoch, from, to, target } = move;
  const returned = "SELECT 1 FROM homes WHERE home = ? AND epoch = ? AND state = 'open'";
  if (yield* ask(from, () => row(from, returned, home, epoch + 1) !== undefined)) return yield* goBack(s, move);
  const announced = "UPDATE homes SET moving_to = ? WHERE home = ? AND epoch = ? AND moving_to IS NULL";
  yield* ask(s.directory, () => change(s.directory, announced, target, home, epoch));
  const mover = yield* claim(move);
  if (mover === "refused") return "superseded";
  if (mover !== "open") {
    yield* ask(from, () => {
      const open = "EXISTS (SELECT 1 FROM homes WHERE home = ? AND epoch = ? AND state = 'open')";
      change(from, `DELETE FROM home_changes WHERE home = ? AND ${open}`, home, home, epoch);
      change(from, "UPDATE homes SET state = 'leaving' WHERE home = ? AND epoch = ? AND state = 'open'", home, epoch);
    });
    if (!(yield* walk(s, move, mover))) return "superseded";
    const handed = yield* handOver(s, move, mover);
    if (handed === "doubt") return yield* goBack(s, move);
    if (handed === "superseded") return handed;
    const opened = "UPDATE homes SET state = 'open' WHERE home = ? AND epoch = ? AND state = 'arriving'";
    yield* ask(to, () => change(to, opened, home, epoch + 1));
  }
  const directed =
    "UPDATE homes SET shard = ?, epoch = epoch + 1, moving_to = NULL WHERE home = ? AND epoch = ? AND moving_to = ?";
  yield* ask(s.directory, () => change(s.directory, directed, target, home, epoch, target));
  yield* ask(from, () => {
    take(from, "state = 'gone' AND epoch = ?", home, epoch);
    clear(from, home);
    change(from, "UPDATE homes SET hand = 0 WHERE home = ?", home);
  });
  return "moved";
}

/** The next epoch shuts out whatever a mover of this one may still have under way. */
function* goBack(s: Setting, { home, epoch, from, to, target }: Move): Task<Outcome> {
  const reopened = yield* ask(from, () => {
    const reopen =
      "UPDATE homes SET state = 'open', epoch = epoch + 1 WHERE home = ? AND epoch = ? AND state IN ('leaving', 'frozen')";
    change(from, reopen, home, epoch);
    return (
      row(from, "SELECT 1 FROM homes WHERE home = ? AND epoch = ? AND state = 'open'", home, epoch + 1) !== undefined
    );
  });
  if (!reopened) return "superseded";
  yield* ask(to, () => {
    take(to, "state = 'arriving' AND epoch = ?", home, epoch + 1);
    clear(to, home);
    change(to, "UPDATE homes SET hand = 0, state = 'gone' WHERE home = ? AND hand = 1", home);
  });
  // Last, since whoever resumes finds by the directory's epoch what is left to do.
  const directed =
    "UPDATE homes SET epoch = epoch + 1, moving_to = NULL WHERE home = ? AND epoch = ? AND moving_to = ?";
  yield* ask(s.directory, () => change(s.directory, directed, home, epoch, target));
  return "back";
}

/** A number for this mover, unless the home is open on the new side already or the old rows of an earlier stay are there. */
function* claim({ home, epoch, to }: Move): Task<number | "open" | "refused"> {
  return yield* ask(to, () => {
    const emptied = "NOT EXISTS (SELECT 1 FROM flows WHERE home = excluded.home)";
    const claimed = row<{ mover: number }>(
      to,
      `INSERT INTO homes (home, epoch, state, mover) VALUES (?, ?, 'arriving', 1)
       ON CONFLICT DO UPDATE SET mover = mover + 1, epoch = excluded.epoch, state = 'arriving',
         copied = CASE state WHEN 'gone' THEN -1 ELSE copied END, caught = CASE state WHEN 'gone' THEN 0 ELSE caught END
       WHERE (state = 'arriving' AND epoch = excluded.epoch) OR (state = 'gone' AND epoch < excluded.epoch AND ${emptied})
       RETURNING mover`,
      home,
      epoch + 1,
    );
    if (claimed !== undefined) return claimed.mover;
    const open = row(to, "SELECT 1 FROM homes WHERE home = ? AND epoch = ? AND state = 'open'", home, epoch + 1);
    return open === undefined ? "refused" : "open";
  });
}

const take = (db: DatabaseSync, condition: string, home: string, ...values: number[]): number =>
  change(db, `UPDATE homes SET hand = 1 WHERE home = ? AND ${condition}`, home, ...values);

/** Writes copies and the mover's own bookmark in one batch, if this is still the mover. */
function* put(
  s: Setting,
  { home, epoch, to }: Move,
  mover: number,
  copies: readonly Copied[],
  mark: "copied" | "caught",
  at: number,
): Task<boolean> {
  return yield* ask(to, () => {
    if (s.without === "moverFence") take(to, "1", home);
    else take(to, "state = 'arriving' AND epoch = ? AND mover = ?", home, epoch + 1, mover);
    for (const copied of copies) write(to, home, copied);
    return change(to, `UPDATE homes SET hand = 0, ${mark} = ? WHERE home = ? AND hand = 1`, at, home) > 0;
  });
}

const bookmark = ({ home, to }: Move) =>
  row<{ copied: number; caught: number }>(to, "SELECT copied, caught FROM homes WHERE home = ?", home) ?? {
    copied: -1,
    caught: 0,
  };

function* walk(s: Setting, move: Move, mover: number): Task<boolean> {
  const { home, from, to } = move;
  let { copied } = yield* ask(to, () => bookmark(move));
  while (copied < WALKED) {
    const chunk = yield* ask(from, () => {
      const found = rows<{ id: string; pos: number }>(
        from,
        "SELECT id, pos FROM flows WHERE home = ? AND pos > ? ORDER BY pos LIMIT ?",
        home,
        copied,
        CHUNK,
      );
      const last = found.at(-1)?.pos ?? WALKED;
      // Messages of flows that are deleted have no place: they come at the end.
      const orphans =
        "SELECT DISTINCT flow_id AS id FROM outbox WHERE home = ? AND flow_id NOT IN (SELECT id FROM flows)";
      const ids = found.length > 0 ? found : rows<{ id: string }>(from, orphans, home);
      return { last, copies: ids.map(({ id }) => present(from, id)) };
    });
    if (!(yield* put(s, move, mover, chunk.copies, "copied", chunk.last))) return false;
    copied = chunk.last;
  }
  return true;
}

/** Catches up, freezes, compares, and takes the home away from the old shard. */
function* handOver(s: Setting, move: Move, mover: number): Task<"handed" | "superseded" | "doubt"> {
  const { home, epoch, from, to } = move;
  let freeze: number | undefined;
  let calls = 0;
  let { caught } = yield* ask(to, () => bookmark(move));
  for (;;) {
    const news = yield* ask(from, () => changesSince(s, from, home, caught));
    if (news.place?.epoch !== epoch) return "superseded";
    if (news.place.state === "gone") return "handed";
    if (news.copies.length > 0) {
      if (!(yield* put(s, move, mover, news.copies, "caught", news.last))) return "superseded";
      caught = news.last;
    }
    calls += news.copies.length > 0 ? 2 : 1;
    if (news.copies.length > FEW) continue;
    if (freeze === undefined) {
      freeze = yield* ask(from, () => row<{ freeze: number }>(from, FREEZE, LEASE, home, epoch)?.freeze);
      if (freeze === undefined) yield* wait(20);
      calls = 0;
      continue;
    }
    if (news.copies.length > 0) continue;
    const [left, right] = [yield* ask(from, () => digest(from, home)), yield* ask(to, () => digest(to, home))];
    const token = s.without === "freeze" ? "" : `AND freeze = ${freeze} AND thaws_at > sim_now()`;
    const gone = `UPDATE homes SET state = 'gone' WHERE home = ? AND epoch = ? AND state = 'frozen' ${token}`;
    const equal = left === right || s.without === "changeLog" || s.without === "fence";
    if (s.world.random() < DOUBT) return "doubt";
    if (equal && (yield* ask(from, () => change(from, gone, home, epoch))) > 0) {
      s.oracle.freezeCalls.push(calls + 3);
      return "handed";
    }
    s.oracle.lapses += 1;
    freeze = undefined;
  }
}

const FREEZE = `UPDATE homes SET state = 'frozen', freeze = freeze + 1, thaws_at = sim_now() + ?
  WHERE home = ? AND epoch = ? AND (state = 'leaving' OR (state = 'frozen' AND thaws_at <= sim_now())) RETURNING freeze`;

/** The present state of what has changed, and where the next look begins: both from one batch. */
function changesSince(s: Setting, from: DatabaseSync, home: string, caught: number) {
  const place = row<{ state: string; epoch: number }>(from, "SELECT state, epoch FROM homes WHERE home = ?", home);
  const changes =
    s.without === "changeLog"
      ? rows<{ id: string; seq: number }>(
          from,
          "SELECT id, updated_at AS seq FROM flows WHERE home = ? AND updated_at > ? ORDER BY updated_at LIMIT 10",
          home,
          caught,
        )
      : rows<{ id: string; seq: number }>(
          from,
          "SELECT flow_id AS id, seq FROM home_changes WHERE home = ? AND seq > ? ORDER BY seq LIMIT 10",
          home,
          caught,
        );
  const copies = [...new Set(changes.map(({ id }) => id))].map((id) => present(from, id));
  return { place, copies, last: changes.at(-1)?.seq ?? caught };
}
