import { z } from "zod";

import { objectIdPattern } from "../platform/ids.ts";

export const secretTypes = [
  "SIMPLE",
  "API_KEY",
  "OA2_AUTHORIZATION_CODE",
  "OA1_TWO_LEGGED",
  "OA1_THREE_LEGGED",
  "SESSION_AUTH",
  "MIXED",
] as const;
export type SecretType = (typeof secretTypes)[number];

/** 64 KiB, for a value as JSON. */
export const MOST_VALUE_BYTES = 64 * 1024;
export const MOST_OWNERS = 100;

/** An object with these keys and no others. A key that is not known is not repeated: it may be a value in a wrong place. */
const closed = <T extends z.ZodRawShape>(shape: T) =>
  z.strictObject(shape, {
    error: ({ code }) =>
      code === "unrecognized_keys" ? `Known keys are ${Object.keys(shape).join(", ")}.` : undefined,
  });

/** An object of any keys. */
const open = (description: string, example: Record<string, unknown>) =>
  z.record(z.string(), z.unknown()).meta({ description, example });

const simple = closed({
  username: z.string().meta({ description: "Who signs in.", example: "integration@example.com" }),
  passphrase: z.string().meta({ description: "With what.", example: "correct horse battery staple" }),
}).meta({ id: "SimpleSecretValue", description: "User name and password." });

const apiKey = closed({
  key: z.string().min(1).meta({ description: "The key itself.", example: "an-api-key" }),
  headerName: z
    .string()
    .regex(/^[\w!#$%&'*+.^`|~-]{1,100}$/, "Use the name of an HTTP header, such as x-api-key.")
    .meta({ description: "HTTP header in which the key is sent.", example: "x-api-key" }),
}).meta({ id: "ApiKeySecretValue", description: "A key and the header in which it is sent." });

const words = (description: string, example: string) => z.string().optional().meta({ description, example });

const authorizationCode = closed({
  accessToken: z.string().min(1).meta({ description: "The OAuth 2 access token.", example: "an-access-token" }),
  refreshToken: words("With which a new access token is had.", "a-refresh-token"),
  scope: words("What the token is good for.", "contacts.read"),
  expires: words("Until when the access token is good.", "2026-11-22T12:00:00.000Z"),
  externalId: words("The account at the other side.", "person@example.com"),
  authClientId: words("The client at the authorization server.", "5ca5c44c187c040010a9bb8e"),
}).meta({ id: "AuthorizationCodeSecretValue", description: "Tokens of OAuth 2." });

const isObjectInJson = (text: string): boolean => objectIn(text) !== undefined;

/** The object that a text of JSON tells; undefined if it tells none. */
export function objectIn(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

const mixed = closed({
  payload: z
    .union([z.string().refine(isObjectInJson), z.record(z.string(), z.unknown())], {
      error: "Use an object, or the JSON text of one.",
    })
    .meta({
      description: "What the component gets: an object, or the JSON text of one.",
      example: '{"host":"db.example.com","password":"correct horse battery staple"}',
    }),
}).meta({ id: "MixedSecretValue", description: "Whatever the component needs." });

/** What a value holds, by the type of its secret; the types of the Open Integration Hub. */
export const values = {
  SIMPLE: simple,
  API_KEY: apiKey,
  OA2_AUTHORIZATION_CODE: authorizationCode,
  OA1_TWO_LEGGED: open("Tokens of OAuth 1 without a user; any keys.", { accessToken: "an-access-token" }),
  OA1_THREE_LEGGED: open("Tokens of OAuth 1; any keys.", {
    accessToken: "an-access-token",
    accessTokenSecret: "its-secret",
  }),
  SESSION_AUTH: open("What opens a session; any keys.", { accessToken: "a-session-token" }),
  MIXED: mixed,
} as const satisfies Record<SecretType, z.ZodType>;

const name = z.string().min(1).max(200).meta({ description: "A title for people.", example: "CRM, read only" });

const owner = closed({
  id: z.string().min(1).max(200).meta({ description: "Account or tenant id.", example: "5c0000000000000000000002" }),
  type: z
    .string()
    .min(1)
    .max(50)
    .meta({ description: "What the owner is; by convention user or tenant.", example: "user" }),
}).meta({ id: "SecretOwner", description: "Somebody who may use, see and change the secret." });
export type Owner = z.infer<typeof owner>;

const owners = z.array(owner).max(MOST_OWNERS);
const ownersOfInput = owners.optional().meta({
  description: "You and your tenant are added. Only an admin can name anybody else.",
  example: [{ id: "5c0000000000000000000002", type: "user" }],
});

const inputOf = <T extends SecretType>(type: T) => {
  const told = z.literal(type).meta({ description: "What kind of credential it is.", example: type });
  return closed({ name, type: told, value: values[type], owners: ownersOfInput });
};

export const SecretInput = z
  .discriminatedUnion(
    "type",
    [
      inputOf("SIMPLE"),
      inputOf("API_KEY"),
      inputOf("OA2_AUTHORIZATION_CODE"),
      inputOf("OA1_TWO_LEGGED"),
      inputOf("OA1_THREE_LEGGED"),
      inputOf("SESSION_AUTH"),
      inputOf("MIXED"),
    ],
    { error: ({ code }) => (code === "invalid_union" ? `Use one of ${secretTypes.join(", ")}.` : undefined) },
  )
  .meta({
    id: "SecretInput",
    description: "A secret as a client writes it. As JSON its value has at most 65,536 bytes.",
    example: {
      name: "CRM, read only",
      type: "SIMPLE",
      value: { username: "integration@example.com", passphrase: "correct horse battery staple" },
    },
  });

export const SecretPatch = closed({
  name: name.optional(),
  value: z
    .record(z.string(), z.unknown())
    .optional()
    .meta({
      description: "The new value, whole, in the form of the secret's type. Nothing of the old one stays.",
      example: { username: "integration@example.com", passphrase: "a new one" },
    }),
})
  .refine((patch) => patch.name !== undefined || patch.value !== undefined, "Send name, value or both.")
  .meta({ id: "SecretPatch", description: "What to replace.", example: { name: "CRM, read and write" } });

const time = (description: string) => z.iso.datetime().meta({ description, example: "2026-11-22T02:56:36.545Z" });

export const SecretEntry = z
  .object({
    id: z
      .string()
      .regex(objectIdPattern)
      .meta({ description: "What flows name as `credentials_id`.", example: "5ca5c44c187c040010a9bb8c" }),
    name,
    type: z.enum(secretTypes).meta({ description: "What kind of credential it is.", example: "SIMPLE" }),
    owners: owners.meta({ description: "Who may use, see and change it." }),
    createdAt: time("When it was stored."),
    updatedAt: time("When name or value changed last."),
  })
  .meta({ id: "Secret", description: "A secret without its value, which no answer ever tells." });
export type SecretEntry = z.infer<typeof SecretEntry>;
