import type { Journal } from "./journal.ts";
import type { RunFault } from "./model.ts";

interface Failed {
  readonly id: number;
  readonly scope: number;
  readonly gathers: number | null;
  readonly fault: string | null;
}

/**
 * Has everything that failed or was cut off in a run tried again, in the same run; what is done stays done. A step that
 * could not put a list together for what had failed waits for it anew. Answers how many messages go again.
 */
export function restart(journal: Journal, now: number, endsBy: number): number {
  const { rows, items } = journal;
  return journal.atOnce(() => {
    const reopened = new Set<number>();
    const failed = rows.all<Failed>("SELECT id, scope, gathers, fault FROM items WHERE state = 'failed' ORDER BY id");
    const [incomplete, others] = [failed.filter(isIncomplete), failed.filter((item) => !isIncomplete(item))];
    // All scopes first: whether one was put together is seen by the items that did so.
    for (const { scope } of failed) reopen(scope);
    for (const { id, scope, gathers } of incomplete) {
      const freed = "UPDATE items SET gathered_by = NULL WHERE scope = ? AND state = 'gathered' AND gathered_by = ?";
      rows.do(freed, gathers, id);
      rows.do("DELETE FROM items WHERE id = ?", id);
      rows.do("UPDATE scopes SET failed = failed - 1 WHERE id = ?", scope);
    }
    for (const { id, scope } of others) {
      rows.do("UPDATE scopes SET open = open + 1, failed = failed - 1 WHERE id = ?", scope);
      rows.do("UPDATE items SET restarts = restarts + 1 WHERE id = ?", id);
      again(id);
    }
    // What was cut off still counts as under way.
    const cut = rows.all<{ id: number }>("SELECT id FROM items WHERE state = 'cancelled'");
    for (const { id } of cut) again(id);
    rows.do(
      "UPDATE run SET status = 'running', cancelled = 0, ends_by = ?, ended_at = NULL, fault = NULL, told = 0, wakes = 0",
      endsBy,
    );
    journal.anew();
    return others.length + cut.length;

    function again(id: number): void {
      const text =
        "UPDATE items SET state = 'due', due_at = ?, attempts = 0, rebounds = 0, fault = NULL, memo = NULL, seq = ? WHERE id = ?";
      rows.do(text, now, items.nextSeq(), id);
    }

    /** A scope that was closed counts in the one around it again. */
    function reopen(id: number): void {
      const scope = rows.first<{ open: number; failed: number; parent: number | null }>(
        "SELECT open, failed, parent FROM scopes WHERE id = ?",
        id,
      )!;
      if (scope.open > 0 || scope.parent === null || reopened.has(id)) return;
      reopened.add(id);
      reopen(scope.parent);
      rows.do(
        "UPDATE scopes SET open = open + 1, failed = failed - ? WHERE id = ?",
        items.isGathered(id) ? 0 : scope.failed,
        scope.parent,
      );
    }
  });
}

const isIncomplete = ({ gathers, fault }: Failed): boolean =>
  gathers !== null && fault !== null && (JSON.parse(fault) as RunFault).code === "AGGREGATE_INCOMPLETE";
