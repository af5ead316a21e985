import { z } from "zod";

import { address, header, hexId, names, responseType, token, whole } from "../fields.ts";
import { beforePlans, everywhere, interceptor, onRequest } from "./interceptor.ts";

const nameOfToken = token.optional().meta({
  description: "Its name. Default authorization (with Bearer) in a header, access_token elsewhere.",
  example: "access_token",
});
const scopes = names("Scopes that the token must have, all of them.", ["orders.read"]);
const grantTypes = z
  .array(z.enum(["client_credentials"]))
  .min(1)
  .max(1);

const accessToken = interceptor({
  type: "accessToken",
  category: "security",
  description:
    "Tells which app calls, by an access token that an oauth interceptor issued. 401 without a good one, 403 if a scope is missing or the app has no plan of this API.",
  stages: onRequest,
  scopes: beforePlans,
  identifies: () => true,
  config: z.strictObject({
    location: z
      .enum(["header", "cookie", "header_or_cookie", "query", "any"])
      .default("header")
      .meta({ description: "Where the token stands. Default header.", example: "header" }),
    name: nameOfToken,
    scopes,
    responseType,
  }),
});

const oauth = interceptor({
  type: "oauth",
  category: "security",
  description:
    "OAuth 2. issue: answers a token request of an app in place of the destination (RFC 6749, POST with a form). validate: lets calls through that have a client id and an access token of that very app; else 401.",
  stages: onRequest,
  scopes: beforePlans,
  needsBody: ({ action }) => (action === "issue" ? "request" : undefined),
  identifies: ({ action }) => action === "validate",
  config: z.discriminatedUnion("action", [
    z.strictObject({
      action: z.literal("issue").meta({ description: "Issues access tokens.", example: "issue" }),
      grantTypes: grantTypes
        .default(["client_credentials"])
        .meta({ description: "Grant types for which tokens are issued.", example: ["client_credentials"] }),
      expires: whole("Seconds that a token is good for.", 60, 86_400, 3600),
      scopes: names("Scopes that may be asked for.", ["orders.read"]),
    }),
    z.strictObject({
      action: z.literal("validate").meta({ description: "Validates access tokens.", example: "validate" }),
      clientIdHeader: header("Header with the client id. Default client_id.", "client_id").default("client_id"),
      location: z
        .enum(["header", "cookie", "query"])
        .default("header")
        .meta({ description: "Where the token stands. Default header.", example: "header" }),
      name: nameOfToken,
      scopes,
      responseType,
    }),
  ]),
});

/** Everything else (`none` first of all) is no algorithm here. */
export const jwtAlgorithms = ["RS256", "PS256", "ES256", "EdDSA", "HS256"] as const;

const jwt = interceptor({
  type: "jwt",
  category: "security",
  description:
    "Validates a JWT: signature by one of the algorithms that are named, expiry, issuer, audience, claims; else 401. Its claims are read as token.NAME.",
  stages: onRequest,
  scopes: everywhere,
  addresses: [{ field: "jwksUrl", https: true }],
  identifies: ({ clientIdClaim }) => clientIdClaim !== undefined,
  config: z
    .strictObject({
      location: z
        .enum(["header", "cookie", "query"])
        .default("header")
        .meta({ description: "Where the token stands. Default header.", example: "header" }),
      name: nameOfToken,
      algorithms: z
        .array(z.enum(jwtAlgorithms))
        .min(1)
        .max(jwtAlgorithms.length)
        .meta({
          description: "Algorithms that are taken, whatever the token says. HS256 stands alone and goes with a secret.",
          example: ["RS256"],
        }),
      jwksUrl: address("Where the public keys are: https.", "https://id.example.com/.well-known/jwks.json").optional(),
      secret: hexId("a secret", "Id of the secret with the key of HS256.").optional(),
      issuer: z
        .string()
        .min(1)
        .max(1000)
        .optional()
        .meta({ description: "What iss must be.", example: "https://id.example.com" }),
      audience: names("Of which aud must have one.", ["orders"]),
      claims: z
        .record(z.string().min(1).max(200), z.union([z.string().max(1000), z.number(), z.boolean()]))
        .default({})
        .meta({ description: "Claims that the token must have, and their values.", example: { tenant: "acme" } }),
      clockTolerance: whole("Seconds by which clocks may differ.", 0, 300, 30),
      clientIdClaim: z
        .string()
        .min(1)
        .max(200)
        .optional()
        .meta({ description: "Claim that holds the client id, if the token tells the app.", example: "client_id" }),
      responseType,
    })
    .superRefine(({ algorithms, jwksUrl, secret }, check) => {
      const say = (field: string, message: string) =>
        check.addIssue({ code: "custom", path: [field], message, params: { code: "JWT_KEY_INVALID" } });
      if (!algorithms.includes("HS256")) {
        if (jwksUrl === undefined) say("jwksUrl", `${algorithms[0]} requires jwksUrl, where the public keys are.`);
        if (secret !== undefined) say("secret", "Only HS256 has a secret. Leave it out.");
        return;
      }
      if (algorithms.length > 1) {
        say("algorithms", "HS256 stands alone: a public key must never be taken for its secret.");
      }
      if (secret === undefined) say("secret", "HS256 requires the id of a secret.");
      if (jwksUrl !== undefined) say("jwksUrl", "HS256 has a secret and no public keys. Leave it out.");
    }),
});

export { accessToken, jwt, oauth };
