import {
  createExecutionContext,
  createMessageBatch,
  getQueueResult,
  runInDurableObject,
  type QueueResult,
} from "cloudflare:test";
import { env } from "cloudflare:workers";

import worker from "../../src/index.ts";

export interface Recorded {
  readonly queue: "commands" | "notices";
  readonly body: { headers: { name: string } & Record<string, unknown>; payload: Record<string, unknown> };
}

/**
 * Puts recorders in place of the queues of a flow's object and answers what they get. With `failures`, so many sends
 * are refused first. An eviction takes the recorders away.
 */
export async function recordQueues(flowId: string, failures = 0): Promise<Recorded[]> {
  const sent: Recorded[] = [];
  let left = failures;
  const recorder = (queue: Recorded["queue"]) => ({
    send: (body: Recorded["body"]): Promise<void> => {
      if (left > 0) {
        left -= 1;
        return Promise.reject(new Error("The queue is down."));
      }
      sent.push({ queue, body });
      return Promise.resolve();
    },
  });
  await runInDurableObject(env.FLOW_OBJECT.getByName(flowId), (instance) => {
    const object = instance as unknown as { env: Record<string, unknown> };
    object.env = { ...object.env, FLOW_COMMANDS: recorder("commands"), FLOW_NOTICES: recorder("notices") };
  });
  return sent;
}

export const namesOf = (sent: readonly Recorded[]): string[] => sent.map((message) => message.body.headers.name);

let count = 0;

/** Delivers messages to the Worker as a queue does, and answers what became of them. */
export async function deliver(queue: string, ...bodies: readonly unknown[]): Promise<QueueResult> {
  const messages = bodies.map((body) => ({ id: `m${(count += 1)}`, timestamp: new Date(), attempts: 1, body }));
  return deliverMessages(queue, messages);
}

export async function deliverMessages(
  queue: string,
  messages: { id: string; timestamp: Date; attempts: number; body: unknown }[],
  changed: Record<string, unknown> = {},
): Promise<QueueResult> {
  const batch = createMessageBatch(queue, messages);
  const ctx = createExecutionContext();
  await worker.queue(batch, { ...env, ...changed });
  return getQueueResult(batch, ctx);
}

/** What an orchestrator sends about a flow. */
export const report = (name: string, id: string, more: { startId?: string; reason?: string } = {}) => ({
  headers: {
    name,
    createdAt: Date.now(),
    serviceName: "component-orchestrator",
    ...(more.startId === undefined ? {} : { startId: more.startId }),
  },
  payload: { id, ...(more.reason === undefined ? {} : { reason: more.reason }) },
});
