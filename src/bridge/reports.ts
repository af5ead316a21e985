import { removeAppOwner } from "../apps/remove-owner.ts";
import { databaseOf } from "../db/client.ts";
import { removeOwnerStep } from "../lifecycle/remove-owner.ts";
import { takeReport } from "../lifecycle/report.ts";
import type { Handler, Handlers } from "../messages/handle.ts";
import { DeletedOwnerPayload } from "../messages/model.ts";
import { removeSecretOwner } from "../secrets/remove-owner.ts";
import { removeTemplateOwner } from "../templates/remove-owner.ts";

const reported =
  (trigger: Parameters<typeof takeReport>[1]): Handler =>
  async (env, message) => {
    const outcome = await takeReport(env.FLOW_OBJECT, trigger, message);
    if (outcome.ok) return outcome.result;
    return outcome.error === "REQUEST_UNDER_WAY" ? "seen before" : outcome.error;
  };

/** Takes an owner off everything, so many bounded steps at a time. */
const ownerDeleted =
  (steps: number): Handler =>
  async (env, message) => {
    let { id, from } = DeletedOwnerPayload.parse(message.payload);
    const sums = { removed: 0, stopped: 0 };
    for (let step = 0; step < steps; step += 1) {
      const done = await removeOwner(env, id, from);
      sums.removed += done.removed;
      sums.stopped += done.stopped;
      if (!done.more) return `removed ${sums.removed}, stopped ${sums.stopped}`;
      from = done.from;
    }
    // The rest is a message of its own, sent before this one counts as handled.
    await env.FLOW_REPORTS.send({ ...message, payload: { id, from } });
    return `removed ${sums.removed}, stopped ${sums.stopped}, more to come`;
  };

async function removeOwner(env: Env, id: string, from: number | undefined) {
  const by = { db: databaseOf(env.DB), objects: env.FLOW_OBJECT, now: Date.now };
  const { next, removed, stopped } = await removeOwnerStep(by, id, from);
  const ofSecrets = await removeSecretOwner(by.db, id);
  const ofApps = await removeAppOwner(by.db, id);
  const ofTemplates = await removeTemplateOwner(by.db, id);
  const more = ofSecrets || ofApps || ofTemplates || next !== undefined;
  return { removed, stopped, more, from: next ?? from };
}

const reportsIn = (steps: number): Handlers =>
  new Map([
    ["flow.started", reported("started")],
    ["flow.stopped", reported("stopped")],
    ["flow.failed", reported("failed")],
    ["iam.user.deleted", ownerDeleted(steps)],
    ["iam.tenant.deleted", ownerDeleted(steps)],
  ]);

/** What an orchestrator and the identity management tell the repository. From a queue each step is a message of its own. */
export const reports = reportsIn(1);

/** The same from another bus, which is answered when all is done. */
export const reportsOfBus = reportsIn(20);
