import { inStorage } from "../db/client.ts";
import { Memory } from "../identity/memory.ts";
import { AppError } from "../platform/errors.ts";
import type { World } from "./call.ts";
import { InterceptorFault } from "./refusal.ts";

const PAUSE_MS = 1000;
const CLEAR = `INSERT INTO gateway_clears (flow_id, cache, at) VALUES (?1, ?2, ?3)
  ON CONFLICT (flow_id, cache) DO UPDATE SET at = excluded.at WHERE excluded.at > at`;

interface Cleared {
  readonly at: number;
  /** When it was written down. */
  readonly writtenAt: number;
}

const written = new Memory<Cleared>();

/**
 * Declares the answers of a cache too old, for every isolate. One that follows upon another within a second clears the
 * second to come as well, and so do those behind it, which write nothing: none is lost, and few are written.
 */
export async function clearCache(
  apiId: string,
  cache: string,
  { db, now, cleared }: Pick<World, "db" | "now" | "cleared">,
): Promise<void> {
  const time = now();
  const key = `${apiId} ${cache}`;
  const last = written.get(key, time);
  if (last !== undefined && time <= last.at) return;
  const isSoon = last !== undefined && time - last.writtenAt < PAUSE_MS;
  const at = isSoon ? time + PAUSE_MS : time;
  try {
    await inStorage(() => db().sql(CLEAR, apiId, cache, at).run());
  } catch (error) {
    if (error instanceof AppError) throw new InterceptorFault("That the cache is cleared could not be written down.");
    throw error;
  }
  cleared(apiId, cache, at);
  written.set(key, { at, writtenAt: time }, time + 2 * PAUSE_MS);
}
