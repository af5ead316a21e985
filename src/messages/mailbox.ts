/**
 * What the bridge to another message bus has to fetch, in one object for the whole service. It stands where a queue does
 * if the bridge asks the service over HTTP: a local queue forgets all it holds when its process ends, this does not.
 *
 * Order     messages of one flow are handed out as they came, several at once, but never one past another that is leased
 *           or put off: the commands of a flow arrive in the order in which they were decided.
 * Lease     what was handed out is held back until its lease is over, then handed out again: at least once. Whoever
 *           settles it names the lease; one that ran out and was given anew settles nothing.
 * Repeat    a command that is sent again because nobody answered takes the place of the first one while that waits.
 */
import { DurableObject } from "cloudflare:workers";

import type { Config } from "../platform/config.ts";
import type { Envelope } from "./model.ts";
import type { OutboxMessage } from "./outbox.ts";

export interface Leased {
  readonly leaseId: string;
  /** When it was put here, in milliseconds since 1970. */
  readonly since: number;
  /** How often it was handed out, this time included. */
  readonly attempts: number;
  /** JSON: an Envelope. */
  readonly body: string;
}

export interface Pulled {
  readonly messages: readonly Leased[];
  /** Messages that are here, those handed out included, counted up to ten thousand; since when the oldest has been. */
  readonly backlog: number;
  readonly oldest: number | null;
}

export interface PullOrder {
  readonly most: number;
  readonly leaseSeconds: number;
  /** How long to wait until there is one, if there is none. */
  readonly waitSeconds: number;
}

export interface Settlement {
  readonly acks: readonly string[];
  readonly retries: readonly { readonly leaseId: string; readonly delaySeconds: number }[];
}

// The body stands last, since what stands behind a long text is slow to reach.
const SCHEMA = [
  `CREATE TABLE IF NOT EXISTS messages (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, flow_id TEXT NOT NULL, twin TEXT, since INTEGER NOT NULL, due INTEGER NOT NULL,
    attempts INTEGER NOT NULL, lease TEXT, body TEXT NOT NULL)`,
  "CREATE INDEX IF NOT EXISTS messages_flow ON messages (flow_id, seq)",
  "CREATE INDEX IF NOT EXISTS messages_due ON messages (due)",
];
const RENEW = "UPDATE messages SET body = ?3 WHERE flow_id = ?1 AND twin = ?2 AND lease IS NULL RETURNING seq";
const PUT = "INSERT INTO messages (flow_id, twin, since, due, attempts, body) VALUES (?1, ?2, ?3, ?3, 0, ?4)";
// In the order of seq, so that it ends as soon as there are enough.
const READY = `SELECT seq, body, since, attempts FROM messages AS one NOT INDEXED WHERE due <= ?1 AND NOT EXISTS
    (SELECT 1 FROM messages AS earlier INDEXED BY messages_flow WHERE earlier.flow_id = one.flow_id AND earlier.seq < one.seq AND earlier.due > ?1)
  ORDER BY seq LIMIT ?2`;
const LEASE = "UPDATE messages SET lease = ?2, due = ?3, attempts = attempts + 1 WHERE seq = ?1";
const ACK = "DELETE FROM messages WHERE seq = ?1 AND lease = ?2 RETURNING seq";
const RETRY = "UPDATE messages SET lease = NULL, due = ?3 WHERE seq = ?1 AND lease = ?2 RETURNING seq";
const MOST_COUNTED = 10_000;
const BACKLOG = `SELECT (SELECT count(*) FROM (SELECT 1 FROM messages LIMIT ${MOST_COUNTED})) AS backlog,
  (SELECT since FROM messages ORDER BY seq LIMIT 1) AS oldest`;
/** What is due and not handed out waits behind another of its flow, which comes later. */
const NEXT = "SELECT min(due) AS next FROM messages WHERE due > ?1";

/** Characters of messages in one answer. */
const MOST_CHARACTERS = 8_000_000;

type Ready = { seq: number; body: string; since: number; attempts: number };

export class BridgeMailbox extends DurableObject<Env> {
  readonly #sql = this.ctx.storage.sql;
  readonly #wake = new Set<() => void>();

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    for (const statement of SCHEMA) this.#sql.exec(statement);
  }

  /** Keeps a message of a flow until it is settled. */
  put(flowId: string, body: string): void {
    const { name, statusSeq, startId } = (JSON.parse(body) as Envelope).headers;
    const twin = statusSeq === undefined ? null : `${name} ${statusSeq} ${startId ?? ""}`;
    const renewed = twin === null ? [] : this.#sql.exec(RENEW, flowId, twin, body).toArray();
    if (renewed.length === 0) this.#sql.exec(PUT, flowId, twin, Date.now(), body);
    this.#tell();
  }

  /**
   * Hands out messages. If there is none it waits for one, and then answers nothing: whoever asked may be gone by then,
   * and would hold a lease that nobody knows of. Who is still there asks again.
   */
  async pull({ most, leaseSeconds, waitSeconds }: PullOrder): Promise<Pulled> {
    const messages = this.#lease(most, leaseSeconds);
    if (messages.length > 0 || waitSeconds === 0) return { messages, ...this.standing() };
    const { next } = this.#sql.exec<{ next: number | null }>(NEXT, Date.now()).one();
    await this.#somethingNew(Math.min(Date.now() + waitSeconds * 1000, next ?? Infinity));
    return { messages: [], ...this.standing() };
  }

  /** How many messages are here, and since when the oldest has been. */
  standing(): Pick<Pulled, "backlog" | "oldest"> {
    return this.#sql.exec<{ backlog: number; oldest: number | null }>(BACKLOG).one();
  }

  /** Forgets what was delivered, and puts off what was not. Answers how many of each it still knew. */
  settle({ acks, retries }: Settlement): { acked: number; retried: number } {
    const now = Date.now();
    const known = (statement: string, leaseId: string, ...more: number[]): boolean => {
      const [seq, lease] = leaseId.split(".");
      return this.#sql.exec(statement, Number(seq), lease ?? "", ...more).toArray().length > 0;
    };
    const acked = acks.filter((leaseId) => known(ACK, leaseId)).length;
    const retried = retries.filter(({ leaseId, delaySeconds }) => known(RETRY, leaseId, now + delaySeconds * 1000));
    this.#tell();
    return { acked, retried: retried.length };
  }

  #lease(most: number, leaseSeconds: number): Leased[] {
    const now = Date.now();
    const leased: Leased[] = [];
    let characters = 0;
    for (const { seq, body, since, attempts } of this.#sql.exec<Ready>(READY, now, most).toArray()) {
      characters += body.length;
      if (leased.length > 0 && characters > MOST_CHARACTERS) break;
      const lease = crypto.randomUUID();
      this.#sql.exec(LEASE, seq, lease, now + leaseSeconds * 1000);
      leased.push({ leaseId: `${seq}.${lease}`, since, attempts: attempts + 1, body });
    }
    return leased;
  }

  /** Ends when there may be something to hand out, or at the given time. */
  async #somethingNew(until: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake.add(resolve);
    const timer = setTimeout(resolve, Math.max(1, until - Date.now()));
    await promise;
    clearTimeout(timer);
    this.#wake.delete(resolve);
  }

  #tell(): void {
    for (const wake of this.#wake) wake();
  }
}

/** Whether the bridge fetches such messages here. An embedded orchestrator takes the commands itself. */
export const isBridged = ({ BRIDGE, ORCHESTRATOR }: Config, queue: OutboxMessage["queue"]): boolean =>
  BRIDGE === "worker" && (queue === "notices" || (queue === "commands" && ORCHESTRATOR === "external"));

/** The one mailbox. */
export const mailboxOf = (env: Env): DurableObjectStub<BridgeMailbox> => env.BRIDGE_MAILBOX.getByName("mailbox");
