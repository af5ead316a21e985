/**
 * What an isolate knows of the APIs that are live: which base paths there are, the revisions that were called, apps,
 * plans and when caches were cleared. No call waits for the database but the first ones.
 *
 * Freshness  Triggers number every change (`gateway_changes`). What is known is at most FRESH_MS old, counted from
 *            before it was read, so a stop or a new revision reaches every isolate within that time. From RENEW_MS on
 *            a call has it renewed beside itself; only after a longer silence does one wait for it.
 * Atomicity  A revision is read and made ready as a whole, and then put in the place of the other. A call keeps the
 *            one that it began with.
 * Faults     Where the database does not answer, what is known goes on for STALE_MS: a broken way to the database must
 *            not stop every API.
 * Requests   share what was read, never a promise: one that belongs to another request may never settle.
 */
import { comparable, compileBases } from "../apis/match.ts";
import type { Api, Plan } from "../apis/model.ts";
import type { App } from "../apps/model.ts";
import { appOfRow, type AppRow } from "../apps/store.ts";
import { Deadline } from "../connectors/deadline.ts";
import { databaseOf, inStorage, type Database } from "../db/client.ts";
import { configOf } from "../platform/config.ts";
import { logError } from "../platform/log.ts";
import { LiveApi } from "./compile.ts";
import {
  CHANGED,
  CHANGES,
  CLEARS,
  EARLIER,
  type Entry,
  ENTRY,
  entryOf,
  type EntryRow,
  LIVE,
  type LiveRow,
  MOST_CHANGES,
  SEQ,
} from "./directory-rows.ts";

export const RENEW_MS = 2500;
export const FRESH_MS = 5000;
const STALE_MS = 600_000;
/** So long a call waits for what is new where something is known. */
const PATIENCE_MS = 1500;
/** So long changes are kept for those who ask what is new. */
export const CHANGES_KEPT_S = 900;
const MOST_LIVE = 2000;
const MOST_BYTES = 24 * 1024 * 1024;
const MOST_APPS = 5000;

type Find = ReturnType<typeof compileBases<Entry>>;

interface Kept {
  readonly live: LiveApi;
  readonly bytes: number;
}

export class Directory {
  readonly #env: Env;
  /** Of the last change that is known; undefined before anything is. */
  #seq: number | undefined;
  /** When the last reading began. */
  #readAt = 0;
  #renewingSince = 0;
  #failedAt = -RENEW_MS;
  #entries = new Map<string, Entry>();
  #find: Find = () => undefined;
  #findAt = new Map<string, Find>();
  readonly #live = new Map<string, Kept>();
  #bytes = 0;
  readonly #apps = new Map<string, App | null>();
  readonly #strangers = new Map<string, App | null>();
  readonly #plans = new Map<string, Plan | null>();
  #clears = new Map<string, number>();

  constructor(env: Env) {
    this.#env = env;
  }

  /** Sees to it that what is known is fresh. Throws STORAGE_UNAVAILABLE if nothing is known that may still be used. */
  async freshen(now: number, defer: (promise: Promise<unknown>) => void): Promise<void> {
    // A clock that was set back says nothing of how old anything is.
    const age = Math.abs(now - this.#readAt);
    if (this.#seq !== undefined && age < RENEW_MS) return;
    if (this.#seq === undefined) return this.#renew(now);
    if (age >= STALE_MS) return this.#renew(now);
    // Behind one that failed nobody waits again at once: it would wait as long, and add to the load.
    const hasJustFailed = Math.abs(now - this.#failedAt) < RENEW_MS;
    if (age >= FRESH_MS && !hasJustFailed) {
      const deadline = new Deadline(PATIENCE_MS, "The database");
      try {
        await deadline.race(this.#renew(now));
      } catch (error) {
        this.#failedAt = now;
        this.#complain(error);
      } finally {
        deadline.clear();
      }
    } else if (Math.abs(now - this.#renewingSince) >= RENEW_MS) {
      this.#renewingSince = now;
      defer(this.#renew(now).catch((error: unknown) => this.#complain(error)));
    }
  }

  /** The API whose base path begins a path, of those at a host name of their own or of all that there are. */
  find(path: string, host: string | undefined): { entry: Entry; rest: string } | undefined {
    const found = (host === undefined ? this.#find : this.#findAt.get(host))?.(path);
    return found && { entry: found.api, rest: found.rest };
  }

  /** The live revision of an API, or an earlier one of it; undefined if it is live no more. */
  async liveApi(flowId: string, revision?: number): Promise<LiveApi | undefined> {
    const live = await this.#present(flowId);
    if (live === undefined || revision === undefined || revision === live.facts.revision) return live;
    return this.#earlierOf(live, revision);
  }

  async #present(flowId: string): Promise<LiveApi | undefined> {
    const known = this.#live.get(flowId);
    if (known !== undefined) {
      // The one that was called last stays longest.
      this.#live.delete(flowId);
      this.#live.set(flowId, known);
      return known.live;
    }
    const began = this.#seq;
    const [row] = await this.#rowsOf(this.#database(), `${LIVE} AND id = ?1`, flowId);
    if (row === undefined) return undefined;
    // What changed while it was read is read again by whoever asks next.
    return began === this.#seq ? this.#keep(row) : this.#madeOf(row);
  }

  /** Revisions never change. */
  async #earlierOf({ facts }: LiveApi, revision: number): Promise<LiveApi | undefined> {
    const key = `${facts.id}:${revision}`;
    const known = this.#live.get(key);
    if (known !== undefined) return known.live;
    const { id, home, startedBy, startedIn } = facts;
    const rows = await this.#rowsOf(this.#database(), `${EARLIER} AND revision = ?2`, id, revision);
    return rows.map((row) => this.#keep({ ...row, home, startedBy, startedIn }, key))[0];
  }

  async appOf(clientId: string): Promise<App | undefined> {
    const known = this.#apps.get(clientId) ?? this.#strangers.get(clientId);
    if (known !== undefined) return known ?? undefined;
    const began = this.#seq;
    const find = this.#database().sql("SELECT * FROM apps WHERE client_id = ?1", clientId);
    const { results } = await inStorage(() => find.all<AppRow>());
    const app = results.map(appOfRow)[0];
    // Ids that somebody guesses must not push out those that are known.
    const kept = app === undefined ? this.#strangers : this.#apps;
    if (kept.size >= MOST_APPS) kept.clear();
    if (began === this.#seq) kept.set(clientId, app ?? null);
    return app;
  }

  async planOf(id: string): Promise<Plan | undefined> {
    const known = this.#plans.get(id);
    if (known !== undefined) return known ?? undefined;
    const began = this.#seq;
    const find = this.#database().sql("SELECT document FROM plans WHERE id = ?1", id);
    const { results } = await inStorage(() => find.all<{ document: string }>());
    const plan = results.map(({ document }) => JSON.parse(document) as Plan)[0];
    if (this.#plans.size >= MOST_APPS) this.#plans.clear();
    if (began === this.#seq) this.#plans.set(id, plan ?? null);
    return plan;
  }

  clearedAt(flowId: string, cache: string): number {
    return this.#clears.get(`${flowId} ${cache}`) ?? 0;
  }

  heardOfClear(flowId: string, cache: string, at: number): void {
    this.#clear([{ flowId, cache, at }]);
  }

  #database(): Database {
    return databaseOf(this.#env.DB);
  }

  async #renew(now: number): Promise<void> {
    const seq = this.#seq;
    if (seq === undefined || now - this.#readAt > (CHANGES_KEPT_S * 1000) / 2) return this.#readAll(now);
    const db = this.#database();
    const [last, changes, entries, clears] = await inStorage(() =>
      db.batch<never>([
        db.sql(SEQ),
        db.sql(CHANGES, seq),
        db.sql(`${ENTRY} AND open_apis.flow_id IN ${CHANGED}`, seq, "api"),
        db.sql(`${CLEARS} WHERE flow_id IN ${CHANGED}`, seq, "cache"),
      ]),
    );
    const changed = changes!.results as { seq: number; of: string; id: string }[];
    // A database that was set back to an earlier time gives numbers anew.
    const isSetBack = (last!.results as { seq: number }[])[0]!.seq < seq;
    if (isSetBack || changed.length > MOST_CHANGES) return this.#readAll(now);
    if (changed.length === 0) return this.#isRead(now, seq);
    const ids = (of: string) => new Set(changed.flatMap((change) => (change.of === of ? [change.id] : [])));
    const apis = ids("api");
    const hot = [...apis].filter((id) => this.#live.has(id));
    const rows =
      hot.length === 0
        ? []
        : await this.#rowsOf(db, `${LIVE} AND id IN (SELECT value FROM json_each(?1))`, JSON.stringify(hot));
    // Another renewal may have come further meanwhile.
    if (this.#seq !== seq) return undefined;
    for (const key of this.#live.keys()) if (apis.has(key.split(":")[0]!)) this.#forget(key);
    for (const row of rows) this.#keep(row);
    for (const id of ids("app")) {
      this.#apps.delete(id);
      this.#strangers.delete(id);
    }
    for (const id of ids("plan")) this.#plans.delete(id);
    this.#clear(clears!.results);
    if (apis.size > 0) {
      const others = [...this.#entries.values()].filter((entry) => !apis.has(entry.flowId));
      this.#index([...others, ...(entries!.results as EntryRow[]).map(entryOf)]);
    }
    return this.#isRead(now, changed.at(-1)!.seq);
  }

  async #readAll(now: number): Promise<void> {
    const db = this.#database();
    const [seq, entries, clears] = await inStorage(() => db.batch<never>([db.sql(SEQ), db.sql(ENTRY), db.sql(CLEARS)]));
    this.#live.clear();
    this.#bytes = 0;
    this.#apps.clear();
    this.#strangers.clear();
    this.#plans.clear();
    this.#clears = new Map();
    this.#clear(clears!.results);
    this.#index((entries!.results as EntryRow[]).map(entryOf));
    this.#isRead(now, (seq!.results as { seq: number }[])[0]!.seq);
  }

  #isRead(now: number, seq: number): void {
    this.#seq = seq;
    this.#readAt = now;
  }

  #index(entries: readonly Entry[]): void {
    this.#entries = new Map(entries.map((entry) => [comparable(entry.basePath), entry]));
    const all = [...this.#entries.values()];
    const hosts = new Set(all.flatMap(({ hostnames }) => hostnames));
    this.#find = compileBases(all);
    this.#findAt = new Map(
      [...hosts].map((host) => [host, compileBases(all.filter(({ hostnames }) => hostnames.includes(host)))]),
    );
  }

  #clear(rows: readonly { flowId: string; cache: string; at: number }[]): void {
    for (const { flowId, cache, at } of rows) {
      // What this isolate cleared itself may not have been in what was read.
      const key = `${flowId} ${cache}`;
      this.#clears.set(key, Math.max(at, this.#clears.get(key) ?? 0));
    }
  }

  async #rowsOf(db: Database, text: string, ...parameters: unknown[]): Promise<LiveRow[]> {
    return (await inStorage(() => db.sql(text, ...parameters).all<LiveRow>())).results;
  }

  #madeOf({ document, home, id, ...rest }: LiveRow): LiveApi {
    const { api } = JSON.parse(document) as { api: Api };
    const allowPrivate = configOf(this.#env).HTTP_ALLOW_PRIVATE === "true";
    return new LiveApi(api, { ...rest, id, home: home ?? id }, allowPrivate);
  }

  #keep(row: LiveRow, key = row.id): LiveApi {
    const bytes = row.document.length;
    this.#forget(key);
    const live = this.#madeOf(row);
    this.#live.set(key, { live, bytes });
    this.#bytes += bytes;
    for (const id of this.#live.keys()) {
      if (this.#live.size <= MOST_LIVE && this.#bytes <= MOST_BYTES) break;
      if (id !== key) this.#forget(id);
    }
    return live;
  }

  #forget(id: string): void {
    this.#bytes -= this.#live.get(id)?.bytes ?? 0;
    this.#live.delete(id);
  }

  #complain(error: unknown): void {
    logError(configOf(this.#env), "gateway.stale", error, {});
  }
}

const known = new WeakMap<Env, Directory>();

/** The directory of this isolate. */
export function directoryOf(env: Env): Directory {
  const found = known.get(env);
  if (found !== undefined) return found;
  const directory = new Directory(env);
  known.set(env, directory);
  return directory;
}
