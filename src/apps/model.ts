import { z } from "zod";

import { objectIdPattern } from "../platform/ids.ts";
import { owners, ownersOfInput } from "./owners.ts";

/** An app as the gateway knows it. */
export interface App {
  readonly id: string;
  readonly clientId: string;
  readonly name: string;
  /** Whether it may call at all. */
  readonly enabled: boolean;
  /** Further fields that interceptors read. */
  readonly fields: Readonly<Record<string, string>>;
  /** Plans that it has. */
  readonly plans: readonly string[];
  /** SHA-256 of its secrets in hex: the present one, and while it is being changed the one before. */
  readonly secretHashes: readonly string[];
  /** Tokens that were issued before are no good any more; milliseconds since 1970. */
  readonly tokensFrom: number;
}

export const MOST_FIELDS = 50;
export const MOST_PLANS = 100;

const name = z.string().min(1).max(200).meta({ description: "A title for people.", example: "Shop of a partner" });
const enabled = z.boolean().meta({ description: "Whether it may call APIs at all.", example: true });

const fields = z
  .record(
    z.string().regex(/^[A-Za-z][\w-]{0,99}$/, "Use a letter, then letters, digits, _ and -, at most 100."),
    z.string().max(1000).meta({ description: "At most 1,000 characters.", example: "acme" }),
  )
  .refine((all) => Object.keys(all).length <= MOST_FIELDS, `At most ${MOST_FIELDS} fields are possible.`)
  .meta({
    description: `Further fields, at most ${MOST_FIELDS}, which interceptors read as \`app.fields\`. They are no place for secrets.`,
    example: { tenant: "acme" },
  });

const plans = z
  .array(z.string().regex(/^plan_[\w-]{1,64}$/, "Use the id of a plan, such as plan_5ca5c44c187c040010a9bb8d."))
  .max(MOST_PLANS)
  .refine((ids) => new Set(ids).size === ids.length, "Name each plan once.")
  .meta({
    description: "Ids of its plans. It may call the APIs that have one.",
    example: ["plan_5ca5c44c187c040010a9bb8d"],
  });

export const AppInput = z
  .strictObject({
    name,
    owners: ownersOfInput,
    enabled: enabled.default(true),
    fields: fields.default({}),
    plans: plans.default([]),
  })
  .meta({
    id: "AppInput",
    description: "An app as a client writes it. Its client id and secret are made here.",
    example: { name: "Shop of a partner", fields: { tenant: "acme" }, plans: [] },
  });
export type AppInput = z.infer<typeof AppInput>;

export const AppPatch = z
  .strictObject({ name, enabled, fields, plans })
  .partial()
  .refine((patch) => Object.keys(patch).length > 0, "Send name, enabled, fields, plans or several of them.")
  .meta({ id: "AppPatch", description: "What to replace, each as a whole.", example: { enabled: false } });
export type AppPatch = z.infer<typeof AppPatch>;

export const AppSecretInput = z
  .strictObject({
    keep: z.boolean().default(false).meta({
      description:
        "true: the present secret stays good beside the new one, for a change without an outage; one before it does not. false, the default: all earlier secrets and all tokens that were issued are void at once.",
      example: true,
    }),
  })
  .meta({ id: "AppSecretInput", description: "What becomes of the present secret.", example: { keep: true } });

const time = (description: string) => z.iso.datetime().meta({ description, example: "2026-11-22T02:56:36.545Z" });

export const AppSummary = z
  .object({
    id: z.string().regex(objectIdPattern).meta({
      description: "Names the app here and as the subject of its tokens.",
      example: "5ca5c44c187c040010a9bb8c",
    }),
    clientId: z
      .string()
      .meta({ description: "Names the app where it calls APIs.", example: "app_1f0c8b2e5d7a49366c0e9a41" }),
    name,
    owners: owners.meta({ description: "Who may see and change it." }),
    enabled,
    plans,
    secrets: z
      .int()
      .meta({ description: "How many secrets are good: 2 while it changes from one to the other.", example: 1 }),
    tokensFrom: time("Tokens that were issued before are void; null if none was ever revoked.").nullable(),
    createdAt: time("When it was stored."),
    updatedAt: time("When it changed last."),
  })
  .meta({ id: "AppSummary", description: "An app in a list: without its fields, and as always without its secret." });
export type AppSummary = z.infer<typeof AppSummary>;

export const StoredApp = AppSummary.extend({ fields }).meta({
  id: "App",
  description: "What calls APIs. No answer but those that make a secret tells one.",
});
export type StoredApp = z.infer<typeof StoredApp>;

export const AppWithSecret = StoredApp.extend({
  clientSecret: z.string().meta({
    description: "The secret. It is told this once: only a hash of it is kept.",
    example: "an-example-of-43-characters-of-base64url-xx",
  }),
}).meta({ id: "AppWithSecret", description: "An app and its new secret." });
export type AppWithSecret = z.infer<typeof AppWithSecret>;
