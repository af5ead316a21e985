import { z } from "zod";

import { ask, tokenOf } from "./ask.ts";
import { batchesOf, fitting, ProductMessage } from "./message.ts";
import { wait } from "./patience.ts";
import type { Parcel, Product, Settled, Source } from "./product.ts";
import type { QueueSettings } from "./settings.ts";
import { documentIn } from "./worker-product.ts";

const Pulled = z.object({
  success: z.literal(true),
  result: z.object({
    message_backlog_count: z.number().optional(),
    messages: z
      .array(z.object({ lease_id: z.string(), attempts: z.number().default(1), body: z.unknown().optional() }))
      .nullish(),
  }),
});
const Done = z.object({ success: z.literal(true) });

/** Of one request that sends several messages: a batch may have 256,000 bytes. */
const MOST_BATCH_BYTES = 200_000;
const MOST_IN_A_BATCH = 100;

/** The product by the HTTP API of Cloudflare Queues: pull consumers for what goes out, push for what comes in. */
export function queuesProduct(settings: QueueSettings): Product {
  const account = `${settings.CLOUDFLARE_API_URL.replace(/\/+$/, "")}/accounts/${settings.CLOUDFLARE_ACCOUNT_ID}`;
  const question = (queue: string, verb: string, body: unknown) => ({
    method: "POST" as const,
    url: `${account}/queues/${queue}/messages${verb}`,
    token: settings.CLOUDFLARE_API_TOKEN,
    body,
  });

  const source = (name: string, queue: string): Source => {
    let known: number | undefined;
    return {
      name,
      backlog: () => (known === undefined ? undefined : { messages: known, oldestSeconds: null }),
      async pull(signal): Promise<Parcel[]> {
        const order = {
          batch_size: settings.BRIDGE_BATCH,
          visibility_timeout_ms: settings.BRIDGE_LEASE_SECONDS * 1000,
        };
        const { result } = await ask(Pulled, { ...question(queue, "/pull", order), signal });
        known = result.message_backlog_count;
        const parcels = (result.messages ?? []).map(({ lease_id: lease, attempts, body }) => {
          return { lease, attempts, message: ProductMessage.safeParse(contentOf(body)).data };
        });
        if (parcels.length === 0) await wait(settings.BRIDGE_POLL_MS, signal);
        return parcels;
      },
      async settle({ acks, retries }: Settled): Promise<void> {
        const told = {
          acks: acks.map((lease) => ({ lease_id: lease })),
          retries: retries.map(({ lease, delaySeconds }) => ({ lease_id: lease, delay_seconds: delaySeconds })),
        };
        await ask(Done, question(queue, "/ack", told));
      },
    };
  };

  return {
    sources: [source("flow-commands", settings.COMMANDS_QUEUE_ID), source("flow-notices", settings.NOTICES_QUEUE_ID)],
    async take(messages) {
      const taken: boolean[] = [];
      for (const batch of batchesOf(messages.map(fitting), MOST_IN_A_BATCH, MOST_BATCH_BYTES)) {
        const body = { messages: batch.map((message) => ({ body: message, content_type: "json" })) };
        await ask(Done, question(settings.REPORTS_QUEUE_ID, "/batch", body));
        taken.push(...batch.map(() => true));
      }
      return taken;
    },
    documentOf: (flowId, revision) =>
      documentIn({
        method: "GET",
        url: `${settings.PRODUCT_URL.replace(/\/+$/, "")}/bridge/flows/${flowId}/${revision}`,
        token: tokenOf(settings),
      }),
  };
}

/** The API tells JSON as a text: as it is, or in base64. */
function contentOf(body: unknown): unknown {
  if (typeof body !== "string") return body;
  for (const text of [body, Buffer.from(body, "base64").toString("utf8")]) {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      // The other form, then.
    }
  }
  return undefined;
}
