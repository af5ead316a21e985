/**
 * One object per flow: serialiser and courier. It keeps no truth of its own; the flow's row in D1 and the outbox are it.
 *
 * Order     `apply` handles one input at a time, from reading the row to the commit, so two inputs never decide on the
 *           same state; the commit is conditional all the same, since PATCH and DELETE do not pass through here.
 * Delivery  before a commit the alarm is set, so that a crash at any point leaves either nothing, or a message in the
 *           outbox and an alarm that hands it over. Messages go out in order, each forgotten once its queue took it:
 *           at least once.
 * Deadline  the alarm also wakes the object when a command has waited too long for its answer.
 * Eviction  costs the memory of which alarm was set and how often the queue failed; both are found again.
 */
import { DurableObject } from "cloudflare:workers";

import { databaseOf } from "../db/client.ts";
import { Usage } from "../db/usage.ts";
import { backoffAfter } from "../platform/backoff.ts";
import { configOf } from "../platform/config.ts";
import { isBridged, mailboxOf } from "../messages/mailbox.ts";
import { keepDeadLetter } from "../messages/dead-letters.ts";
import { bytesOf, MOST_MESSAGE_BYTES } from "../messages/model.ts";
import { AppError } from "../platform/errors.ts";
import { Watchers, type StreamEvent } from "../platform/event-stream.ts";
import { logError, logLine } from "../platform/log.ts";
import { applyInput } from "./apply.ts";
import type { LifecycleInput, Outcome } from "./model.ts";
import { statusSince } from "./status-events.ts";
import { dutiesOf, forgetMessage, type OutboxRow } from "./store.ts";

const COURIER_GRACE_MS = 5000;
const MOST_MESSAGES = 50;
const SEND_DEADLINE_MS = 30_000;

export class FlowObject extends DurableObject<Env> {
  #turn: Promise<unknown> = Promise.resolve();
  #round: Promise<void> | undefined;
  #roundWanted = false;
  #committing = false;
  #alarmsSet = 0;
  #failures = 0;
  #flowId: string | undefined;
  /** When the present command counts as unanswered, as the last round read it; undefined if none could. */
  #deadlineAt: number | null | undefined;
  /** Whether those who watch have been told that the flow was deleted. */
  #isGone = false;
  readonly #watchers = new Watchers(
    (seq) => this.#statusSince(seq),
    () => this.#isGone,
  );

  /** Applies one input of the lifecycle and, if it moved the flow, sends the message after the answer. */
  async apply(input: LifecycleInput): Promise<Outcome> {
    const turn = this.#turn.then(() => this.#applyNow(input));
    this.#turn = turn.catch(() => undefined);
    const outcome = await turn;
    if (outcome.ok && (outcome.result === "move" || outcome.result === "resend")) {
      this.ctx.waitUntil(this.relay(input.flowId));
      this.#watchers.tell();
    }
    return outcome;
  }

  /** The flow's status as server-sent events, now and after each transition behind one. */
  watch(flowId: string, after: number): ReadableStream<Uint8Array> {
    this.#flowId = flowId;
    this.#isGone = false;
    return this.#watchers.watch(after === 0 ? -1 : after);
  }

  async #statusSince(seq: number): Promise<StreamEvent[]> {
    if (this.#flowId === undefined || this.#isGone) return [];
    const events = await statusSince(databaseOf(this.env.DB), this.#flowId, seq);
    this.#isGone = events.some(({ event }) => event === "deleted");
    return events;
  }

  /** Hands over the messages of the flow. Never throws: what fails is tried again by alarm. */
  async relay(flowId: string): Promise<void> {
    this.#roundWanted = true;
    this.#round ??= this.#rounds(flowId);
    return this.#round;
  }

  override async alarm(): Promise<void> {
    const flowId = await this.ctx.storage.get<string>("flowId");
    if (flowId !== undefined) await this.wake(flowId);
  }

  /** Sees to everything that is due for the flow: messages, then the deadline. Never throws. */
  async wake(flowId: string): Promise<void> {
    this.#watchers.tell();
    this.#deadlineAt = undefined;
    await this.relay(flowId);
    if (this.#deadlineAt === null || (this.#deadlineAt ?? 0) > Date.now()) return;
    try {
      await this.apply({ flowId, trigger: "deadline", reach: null });
    } catch (error) {
      await this.#again(error, flowId);
    }
  }

  async #applyNow(input: LifecycleInput): Promise<Outcome> {
    const began = Date.now();
    const config = configOf(this.env);
    const usage = config.SERVER_TIMING === "true" ? new Usage() : undefined;
    const db = databaseOf(this.env.DB, usage);
    const beforeCommit = async () => {
      this.#committing = true;
      await this.#setAlarm(input.flowId, Date.now() + COURIER_GRACE_MS);
    };
    try {
      const outcome = await applyInput({ db, config, now: Date.now, beforeCommit }, input);
      if (input.trigger !== "deadline" || (outcome.ok && outcome.result !== "same")) {
        const { flowId, trigger, by, requestId } = input;
        logLine(config, "transition", { flowId, trigger, by, requestId, ...outcome, ms: Date.now() - began });
      }
      return { ...outcome, bookmark: db.bookmark, ...(usage === undefined ? {} : { usage: usage.counted }) };
    } catch (error) {
      if (error instanceof AppError && error.code === "STORAGE_UNAVAILABLE") {
        logError(config, "transition.failed", error, { flowId: input.flowId, trigger: input.trigger });
        if (input.trigger === "deadline") await this.#again(error, input.flowId);
        return { ok: false, error: "STORAGE_UNAVAILABLE" };
      }
      throw error;
    } finally {
      this.#committing = false;
    }
  }

  async #rounds(flowId: string): Promise<void> {
    try {
      while (this.#roundWanted) {
        this.#roundWanted = false;
        await this.#oneRound(flowId);
      }
      this.#failures = 0;
    } catch (error) {
      await this.#again(error, flowId);
    } finally {
      this.#round = undefined;
    }
  }

  async #oneRound(flowId: string): Promise<void> {
    const db = databaseOf(this.env.DB);
    for (;;) {
      const alarmsSet = this.#alarmsSet;
      const { messages, deadlineAt } = await dutiesOf(db, flowId, MOST_MESSAGES);
      this.#deadlineAt = deadlineAt;
      for (const message of messages) {
        await this.#handOver(message);
        await forgetMessage(db, message);
      }
      if (messages.length === MOST_MESSAGES) continue;
      // An alarm that was set for a commit which this round may not have seen stays.
      if (this.#committing || alarmsSet !== this.#alarmsSet) return;
      if (deadlineAt === null) await this.ctx.storage.deleteAll();
      else await this.#setAlarm(flowId, Math.max(deadlineAt, Date.now()));
      return;
    }
  }

  async #handOver({ seq, flowId, queue, body }: OutboxRow): Promise<void> {
    const forBridge = isBridged(configOf(this.env), queue);
    if (!forBridge && bytesOf(body) > MOST_MESSAGE_BYTES) {
      // No queue would ever take it, and all that comes after it would wait for ever.
      const letter = { messageId: `${flowId}-${seq}`, queue: `flow-${queue}`, body: JSON.parse(body) as unknown };
      await keepDeadLetter(databaseOf(this.env.DB), { ...letter, reason: "Too large for a queue." }, Date.now());
      return;
    }
    const { FLOW_COMMANDS: commands, FLOW_NOTICES: notices, FLOW_CHORES: chores } = this.env;
    const takers: Record<typeof queue, Queue> = { commands, notices, chores };
    const taken = forBridge ? mailboxOf(this.env).put(flowId, body) : takers[queue].send(JSON.parse(body));
    await withDeadline(SEND_DEADLINE_MS, taken);
    logLine(configOf(this.env), "message.sent", { flowId, queue: forBridge ? "bridge" : queue, seq });
  }

  async #again(error: unknown, flowId: string): Promise<void> {
    this.#failures += 1;
    const delay = backoffAfter(this.#failures);
    await this.#setAlarm(flowId, Date.now() + delay);
    logError(configOf(this.env), "courier.failed", error, { flowId, failures: this.#failures, retryInMs: delay });
  }

  async #setAlarm(flowId: string, at: number): Promise<void> {
    this.#alarmsSet += 1;
    // Not awaited in between: both writes are one commit.
    const named = this.ctx.storage.put("flowId", flowId);
    await Promise.all([named, this.ctx.storage.setAlarm(at)]);
  }
}

/** Gives up waiting, so that one promise that never settles cannot hold up a flow for ever. */
async function withDeadline(milliseconds: number, promise: Promise<unknown>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | null = null;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`No answer within ${milliseconds} ms.`)), milliseconds);
  });
  try {
    await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
