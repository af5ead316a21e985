import type { Database } from "../db/client.ts";
import type { Context } from "../identity/context.ts";
import { waitingFlows } from "../messages/outbox.ts";
import { overdueFlows } from "./store.ts";

const LATE_MS = 60_000;
const MOST_FLOWS = 200;

/** Wakes the objects of flows whose messages or deadlines have waited for more than a minute. */
export async function sweep(by: {
  readonly db: Database;
  readonly objects: Context["objects"];
  readonly now: () => number;
}): Promise<{ waiting: number; overdue: number }> {
  const since = by.now() - LATE_MS;
  const waiting = await waitingFlows(by.db, since, MOST_FLOWS);
  const overdue = await overdueFlows(by.db, since, MOST_FLOWS);
  const woken = [...new Set([...waiting, ...overdue])].map((flowId) => by.objects.getByName(flowId).wake(flowId));
  await Promise.allSettled(woken);
  return { waiting: waiting.length, overdue: overdue.length };
}
