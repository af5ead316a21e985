import { errors, jwtVerify, SignJWT } from "jose";

import type { Config } from "../platform/config.ts";
import { AppError } from "../platform/errors.ts";

/** What a token opens: one execution, or one function that was called in it. */
export interface Ticket {
  readonly execution: string;
  readonly function?: string | undefined;
}

const SUBJECT = "executor";
const ALGORITHM = "HS256";
const encoder = new TextEncoder();

/** A token that opens an execution until a time, in milliseconds. The first key signs. */
export async function issueToken(
  { EXECUTION_KEY }: Pick<Config, "EXECUTION_KEY">,
  ticket: Ticket,
  now: number,
  until: number,
): Promise<string> {
  const [key] = EXECUTION_KEY;
  if (key === undefined) throw new AppError("MISCONFIGURED", { detail: "EXECUTION_KEY is not set." });
  return new SignJWT(ticket.function === undefined ? {} : { fn: ticket.function })
    .setProtectedHeader({ alg: ALGORITHM })
    .setJti(ticket.execution)
    .setSubject(SUBJECT)
    .setIssuedAt(Math.floor(now / 1000))
    .setExpirationTime(Math.floor(until / 1000))
    .sign(encoder.encode(key));
}

/** What a token opens; undefined for one that is not ours, was changed, or has expired. Every key that is set verifies. */
export async function readToken(
  { EXECUTION_KEY }: Pick<Config, "EXECUTION_KEY">,
  header: string | null | undefined,
  now: number,
): Promise<Ticket | undefined> {
  const token = /^Bearer +([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(header ?? "")?.[1];
  if (token === undefined) return undefined;
  for (const key of EXECUTION_KEY) {
    const ticket = await ticketIn(token, key, now);
    if (ticket !== "otherKey") return ticket;
  }
  return undefined;
}

async function ticketIn(token: string, key: string, now: number): Promise<Ticket | undefined | "otherKey"> {
  try {
    const { payload } = await jwtVerify(token, encoder.encode(key), {
      algorithms: [ALGORITHM],
      subject: SUBJECT,
      requiredClaims: ["jti", "exp"],
      currentDate: new Date(now),
    });
    const { jti, fn } = payload;
    return { execution: jti!, ...(typeof fn === "string" ? { function: fn } : {}) };
  } catch (error) {
    return error instanceof errors.JWSSignatureVerificationFailed ? "otherKey" : undefined;
  }
}
