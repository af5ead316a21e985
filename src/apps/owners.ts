import { z } from "zod";

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
