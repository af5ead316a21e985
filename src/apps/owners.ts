import { z } from "zod";

import type { Actor } from "../identity/actor.ts";
import { AppError, errorItem } from "../platform/errors.ts";

const MOST_OWNERS = 100;

const owner = z
  .strictObject({
    id: z.string().min(1).max(200).meta({ description: "Account or tenant id.", example: "5c0000000000000000000002" }),
    type: z
      .string()
      .min(1)
      .max(50)
      .meta({ description: "What the owner is; by convention user or tenant.", example: "user" }),
  })
  .meta({ id: "AppOwner", description: "Somebody who may see, change and give away the app or plan." });
export type Owner = z.infer<typeof owner>;

export const owners = z.array(owner).max(MOST_OWNERS);
export const ownersOfInput = owners.optional().meta({
  description: "You and your tenant are added. Only an admin can name anybody else.",
  example: [{ id: "5c0000000000000000000002", type: "user" }],
});

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
