import type { Actor } from "../identity/actor.ts";
import { AppError, errorItem } from "../platform/errors.ts";
import { isRecord } from "../platform/shape.ts";
import { MOST_OWNERS, type Owner } from "./model.ts";

/** The list for a new flow: what was asked for, and the caller and the caller's tenant in any case. */
export function ownersOfNew(actor: Actor, input: Record<string, unknown>): unknown {
  const asked = input["owners"] || [];
  if (!isReadable(asked)) return asked;
  // A flow made from a template arrives with the template's owners; whoever made it did not choose them.
  const kept = input["fromTemplate"] ? asked.filter((owner) => mayAdd(actor, owner)) : asked;
  refuseStrangers(actor, kept, []);
  return completed(actor, kept);
}

/** The list after an edit. Only an admin can take owners away; without a list nothing changes. */
export function ownersOfEdited(actor: Actor, present: readonly Owner[], asked: unknown): unknown {
  if (asked === undefined || asked === null) return present;
  if (!isReadable(asked) || actor.isAdmin) return asked;
  refuseStrangers(actor, asked, present);
  const known = new Set(present.map(keyOf));
  const added = asked.filter((owner) => !isRecord(owner) || !known.has(keyOf(owner)));
  return [...present, ...added];
}

/** What is no list, or too long a one, is told by the check of the flow. */
const isReadable = (asked: unknown): asked is unknown[] => Array.isArray(asked) && asked.length <= MOST_OWNERS;

function completed(actor: Actor, owners: unknown[]): unknown[] {
  const all = [...owners];
  const has = (id: string, type?: string) =>
    all.some((owner) => isRecord(owner) && owner["id"] === id && (type === undefined || owner["type"] === type));
  if (!has(actor.sub)) all.push({ id: actor.sub, type: "user" });
  if (actor.tenant !== null && !has(actor.tenant, "tenant")) all.push({ id: actor.tenant, type: "tenant" });
  return all;
}

const idOf = (owner: unknown): unknown => (isRecord(owner) ? owner["id"] : undefined);
const keyOf = ({ id, type }: { id?: unknown; type?: unknown }): string => JSON.stringify([id, type]);

function mayAdd(actor: Actor, owner: unknown): boolean {
  const id = idOf(owner);
  // What has no id is told by the check of the flow.
  const none = id === undefined || id === null || id === "";
  return actor.isAdmin || none || id === actor.sub || id === actor.tenant;
}

function refuseStrangers(actor: Actor, asked: readonly unknown[], present: readonly Owner[]): void {
  const known = new Set<unknown>(present.map((owner) => owner.id));
  const items = asked.flatMap((owner, index) =>
    mayAdd(actor, owner) || known.has(idOf(owner))
      ? []
      : [errorItem("OWNER_NOT_ALLOWED", { pointer: `/owners/${index}/id` })],
  );
  if (items.length > 0) throw new AppError("OWNER_NOT_ALLOWED", { items });
}

/** The owner under whom a flow is listed: its first tenant, or else its first owner. A trigger refuses any other. */
export const homeOf = (owners: readonly Owner[]): string | null =>
  (owners.find((owner) => owner.type === "tenant") ?? owners[0])?.id ?? null;
