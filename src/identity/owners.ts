import { AppError, errorItem } from "../platform/errors.ts";
import type { Actor } from "./actor.ts";

interface Owner {
  readonly id: string;
  readonly type: string;
}

/** What was asked for, and the caller and the caller's tenant in any case. */
export function ownersOfNew(actor: Actor, asked: readonly Owner[]): Owner[] {
  const { sub, tenant } = actor;
  const strangers = asked.flatMap(({ id }, index) =>
    actor.isAdmin || id === sub || id === tenant
      ? []
      : [errorItem("OWNER_NOT_ALLOWED", { pointer: `/owners/${index}/id` })],
  );
  if (strangers.length > 0) throw new AppError("OWNER_NOT_ALLOWED", { items: strangers });
  const own = [{ id: sub, type: "user" }, ...(tenant === null ? [] : [{ id: tenant, type: "tenant" }])];
  return [...asked, ...own.filter(({ id }) => asked.every((one) => one.id !== id))];
}
