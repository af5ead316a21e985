import { errors } from "jose";

const ofClaims: Readonly<Record<string, string>> = {
  nbf: "It is not good yet.",
  iss: "Its issuer (iss) is another one.",
  aud: "It is meant for others (aud).",
  typ: "It is another kind of token (typ).",
};

/**
 * What is wrong with a token, in words that hold nothing of it: claims are named by what was demanded. Whatever else
 * went wrong is the token's fault too, because a fault of ours could be passed over.
 */
export function faultOfToken(error: unknown): string {
  if (error instanceof errors.JWTExpired) return "It has expired.";
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.reason === "missing") return `It has no claim ${error.claim}.`;
    return ofClaims[error.claim] ?? `Its claim ${error.claim} is not as it has to be.`;
  }
  if (error instanceof errors.JOSEAlgNotAllowed) return "Its algorithm is not taken.";
  if (error instanceof errors.JWSSignatureVerificationFailed) return "Its signature does not fit.";
  if (error instanceof errors.JWSInvalid || error instanceof errors.JWTInvalid) return "It is no JWT.";
  return "It cannot be verified.";
}

export const isOfAnotherKey = (error: unknown): boolean => error instanceof errors.JWSSignatureVerificationFailed;
