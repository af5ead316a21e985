/** One server-sent event. The id is what a client sends back as Last-Event-ID. */
export interface StreamEvent {
  readonly id: number;
  readonly event: string;
  readonly data: unknown;
}

const encoder = new TextEncoder();
const textOf = ({ id, event, data }: StreamEvent): string =>
  `id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`;

const BEAT_MS = 15_000;
const GATHER_MS = 50;
/** Watchers of one object; who comes later takes the place of the first. */
const MOST_WATCHERS = 100;
/** A watcher that does not read is let go rather than waited for. */
const MOST_UNREAD = 1000;

interface Watcher {
  readonly writer: WritableStreamDefaultWriter<Uint8Array>;
  last: number;
  unread: number;
}

/**
 * Those who watch an object. What there is to tell is asked for (`since`), never pushed by the one who changes
 * something: so a watcher that comes late, or comes back, gets the same as one that was there.
 */
export class Watchers {
  readonly #since: (id: number) => StreamEvent[] | Promise<StreamEvent[]>;
  readonly #isOver: () => boolean;
  readonly #watching = new Set<Watcher>();
  #isTelling = false;
  #endBeat: (() => void) | undefined;

  constructor(since: (id: number) => StreamEvent[] | Promise<StreamEvent[]>, isOver: () => boolean) {
    this.#since = since;
    this.#isOver = isOver;
  }

  /** All that came after an event, and from then on all that comes. */
  watch(after: number): ReadableStream<Uint8Array> {
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const watcher = { writer: writable.getWriter(), last: after, unread: 0 };
    const [first] = this.#watching;
    if (first !== undefined && this.#watching.size >= MOST_WATCHERS) this.#leave(first);
    this.#watching.add(watcher);
    void watcher.writer.closed.catch(() => undefined).finally(() => this.#leave(watcher));
    if (this.#endBeat === undefined) this.#beat();
    // So that a client knows at once that it is being heard.
    this.#write(watcher, ": watching\n\n");
    this.tell();
    return readable;
  }

  /** Something may have changed. */
  tell(): void {
    if (this.#watching.size === 0 || this.#isTelling) return;
    this.#isTelling = true;
    // What comes within a moment is told together.
    setTimeout(() => void this.#tellAll().catch(() => undefined), GATHER_MS);
  }

  async #tellAll(): Promise<void> {
    this.#isTelling = false;
    for (const watcher of this.#watching) {
      // Whether it is over is asked first: what comes after that question is told by the next round.
      const isOver = this.#isOver();
      for (;;) {
        const events = (await this.#since(watcher.last)).filter(({ id }) => id > watcher.last);
        if (events.length === 0) break;
        watcher.last = events.at(-1)!.id;
        this.#write(watcher, events.map(textOf).join(""));
      }
      if (isOver) void watcher.writer.close().catch(() => undefined);
    }
  }

  #beat(): void {
    const timer = setTimeout(() => this.#pulse(), BEAT_MS);
    this.#endBeat = () => clearTimeout(timer);
  }

  #pulse(): void {
    this.#beat();
    for (const watcher of this.#watching) this.#write(watcher, ": still there\n\n");
    this.tell();
  }

  #write(watcher: Watcher, text: string): void {
    watcher.unread += 1;
    if (watcher.unread > MOST_UNREAD) return this.#leave(watcher);
    watcher.writer
      .write(encoder.encode(text))
      .then(() => void (watcher.unread -= 1))
      .catch(() => this.#leave(watcher));
    return undefined;
  }

  #leave(watcher: Watcher): void {
    if (!this.#watching.delete(watcher)) return;
    void watcher.writer.abort().catch(() => undefined);
    if (this.#watching.size > 0) return;
    this.#endBeat?.();
    this.#endBeat = undefined;
  }
}

/** The answer that a stream of events is, ended when its time is over: the client then comes back with a new token. */
export function eventAnswer(stream: ReadableStream<Uint8Array>, until: number, now: number): Response {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  void passOn(stream.getReader(), writable.getWriter(), Math.max(0, until - now));
  const headers = { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-store" };
  return new Response(readable, { headers });
}

const OVER = 'event: end\ndata: {"reason":"The token has to be shown anew."}\n\n';

async function passOn(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  writer: WritableStreamDefaultWriter<Uint8Array>,
  milliseconds: number,
): Promise<void> {
  const over = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => over.resolve(undefined), milliseconds);
  try {
    for (;;) {
      const next = await Promise.race([reader.read(), over.promise]);
      if (next === undefined) await writer.write(encoder.encode(OVER));
      if (next === undefined || next.done) break;
      await writer.write(next.value);
    }
    await writer.close();
  } catch {
    // The client has gone.
  } finally {
    clearTimeout(timer);
    await reader.cancel().catch(() => undefined);
  }
}

/** Where a client goes on: Last-Event-ID, as a number that it was given. */
export const lastEventId = (header: string | undefined): number =>
  header !== undefined && /^\d{1,15}$/.test(header) ? Number(header) : 0;
