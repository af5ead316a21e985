import { inStorage, type Database } from "../db/client.ts";
import { wakeLater } from "../flows/courier.ts";
import type { Context } from "../identity/context.ts";
import { forgetRecords } from "../identity/idempotency.ts";
import { waitingFlows } from "../messages/outbox.ts";
import type { Config } from "../platform/config.ts";
import { overdueFlows } from "./store.ts";

const LATE_MS = 60_000;
/** Flows that one sweep wakes itself; the queue has the others woken. */
const AT_ONCE = 200;
const MOST_FLOWS = 5000;
const MOST_RECORDS = 20_000;

/** Wakes the objects of flows whose messages or deadlines have waited for more than a minute. */
export async function sweep(by: {
  readonly db: Database;
  readonly objects: Context["objects"];
  readonly chores: Queue;
  readonly config: Config;
  readonly now: () => number;
}): Promise<{ waiting: number; overdue: number }> {
  const since = by.now() - LATE_MS;
  const waiting = await waitingFlows(by.db, since, MOST_FLOWS);
  const overdue = await overdueFlows(by.db, since, MOST_FLOWS);
  const late = [...new Set([...waiting, ...overdue])];
  await Promise.allSettled([
    ...late.slice(0, AT_ONCE).map((flowId) => by.objects.getByName(flowId).wake(flowId)),
    wakeLater(by, late.slice(AT_ONCE)),
  ]);
  const unused = by.db.sql("DELETE FROM facet_counts INDEXED BY facet_counts_none WHERE flows <= 0");
  await inStorage(() => by.db.batch([forgetRecords(by.db, by.now(), MOST_RECORDS), unused]));
  return { waiting: waiting.length, overdue: overdue.length };
}
