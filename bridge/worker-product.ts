import { z } from "zod";

import { ask, Refused, tokenOf } from "./ask.ts";
import { asText, batchesOf, fitting, isText, ProductMessage } from "./message.ts";
import type { Backlog, Parcel, Product, Settled, Source } from "./product.ts";
import type { CommonSettings } from "./settings.ts";

const WAIT_SECONDS = 15;
/** What the route answers to a body that it cannot take, whoever sends it. */
const unreadable = new Set([400, 413, 422]);
/** What the route takes at once. */
const MOST_IN_A_BATCH = 100;
const MOST_BATCH_BYTES = 4_000_000;

const Pulled = z.object({
  data: z.array(z.object({ leaseId: z.string(), attempts: z.number(), message: z.unknown() })),
  meta: z.object({ backlog: z.number(), oldestSeconds: z.number().nullable() }),
});
const Done = z.object({ data: z.unknown() });
const Taken = z.object({ data: z.array(z.object({ taken: z.boolean() })) });
const Document = z.object({ data: z.record(z.string(), z.unknown()) });

/** The product by the bridge routes of its Worker. */
export function workerProduct(settings: CommonSettings): Product {
  const base = settings.PRODUCT_URL.replace(/\/+$/, "");
  const question = (path: string, body?: unknown) => ({
    method: body === undefined ? ("GET" as const) : ("POST" as const),
    url: `${base}/bridge/${path}`,
    token: tokenOf(settings),
    body,
  });
  let known: Backlog | undefined;

  const mailbox: Source = {
    name: "mailbox",
    backlog: () => known,
    async pull(signal): Promise<Parcel[]> {
      // The first answer comes at once: it tells whether there is anybody.
      const wait = known === undefined ? 0 : WAIT_SECONDS;
      const query = `most=${settings.BRIDGE_BATCH}&lease=${settings.BRIDGE_LEASE_SECONDS}&wait=${wait}`;
      const { data, meta } = await ask(Pulled, { ...question(`commands?${query}`), signal });
      known = { messages: meta.backlog, oldestSeconds: meta.oldestSeconds };
      return data.map(({ leaseId, attempts, message }) => ({
        lease: leaseId,
        attempts,
        message: ProductMessage.safeParse(message).data,
      }));
    },
    async settle({ acks, retries }: Settled): Promise<void> {
      const told = { acks, retries: retries.map(({ lease, delaySeconds }) => ({ leaseId: lease, delaySeconds })) };
      await ask(Done, question("commands/settle", told));
      const left = Math.max(0, (known?.messages ?? 0) - acks.length);
      known = { messages: left, oldestSeconds: left === 0 ? null : (known?.oldestSeconds ?? null) };
    },
  };

  /** One message that the route cannot even read is not to hold up the others: it goes by itself, as a text. */
  async function takeBatch(batch: readonly unknown[]): Promise<boolean[]> {
    try {
      const { data } = await ask(Taken, question("reports", batch));
      return batch.map((_, at) => data[at]?.taken ?? false);
    } catch (error) {
      if (!(error instanceof Refused) || !unreadable.has(error.status)) throw error;
      if (batch.length === 1 && isText(batch[0])) throw error;
      if (batch.length === 1) return takeBatch([asText(batch[0])]);
      const half = Math.ceil(batch.length / 2);
      return [...(await takeBatch(batch.slice(0, half))), ...(await takeBatch(batch.slice(half)))];
    }
  }

  return {
    sources: [mailbox],
    async take(messages) {
      const taken: boolean[] = [];
      for (const batch of batchesOf(messages.map(fitting), MOST_IN_A_BATCH, MOST_BATCH_BYTES)) {
        taken.push(...(await takeBatch(batch)));
      }
      return taken;
    },
    documentOf: (flowId, revision) => documentIn(question(`flows/${flowId}/${revision}`)),
  };
}

/** The document of a flow, from the Worker. */
export async function documentIn(question: Parameters<typeof ask>[1]): Promise<Record<string, unknown> | undefined> {
  try {
    return (await ask(Document, question)).data;
  } catch (error) {
    if (error instanceof Refused && error.status === 404) return undefined;
    throw error;
  }
}
