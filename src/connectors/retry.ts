import { z } from "zod";

export interface RetryPolicy {
  /** Tries in all, the first one counted. */
  readonly attempts: number;
  readonly delayMs: number;
  readonly factor: number;
  /** Share of the delay that is left to chance, 0 to 1. */
  readonly jitter: number;
  readonly mostDelayMs: number;
}

const FIVE_MINUTES_MS = 300_000;

export const defaultRetry: RetryPolicy = {
  attempts: 3,
  delayMs: 5000,
  factor: 2,
  jitter: 0.2,
  mostDelayMs: FIVE_MINUTES_MS,
};

export const RetrySettings = z
  .strictObject({
    attempts: z
      .int()
      .min(1)
      .max(10)
      .optional()
      .meta({ description: "How often the step is tried in all, 1 to 10. Default 3; 1 means no retry.", example: 3 }),
    delay: z
      .number()
      .min(0)
      .max(3600)
      .optional()
      .meta({ description: "Seconds before the second try, 0 to 3600. Default 5.", example: 5 }),
    factor: z
      .number()
      .min(1)
      .max(10)
      .optional()
      .meta({ description: "By what the delay is multiplied after each further try, 1 to 10. Default 2.", example: 2 }),
    jitter: z.number().min(0).max(1).optional().meta({
      description:
        "Share of each delay that is left to chance, 0 to 1, so that many do not come back at once. Default 0.2.",
      example: 0.2,
    }),
    most: z.number().min(1).max(3600).optional().meta({
      description: "Seconds that a delay has at most, 1 to 3600. Default 300, or the first delay if that is longer.",
      example: 300,
    }),
  })
  .meta({
    id: "RetrySettings",
    description: "How a step is tried again after a fault that may pass. What is left out has its default.",
  });
export type RetrySettings = z.infer<typeof RetrySettings>;

/** The policy that an author's settings mean. What is not understood is the default, field by field. */
export function policyOf(settings: unknown): RetryPolicy {
  const written = typeof settings === "object" && settings !== null ? (settings as Record<string, unknown>) : {};
  const { attempts, delay, factor, jitter, most } = RetrySettings.shape;
  const understood = (schema: z.ZodType<number | undefined>, name: string): number | undefined =>
    schema.safeParse(written[name]).data;

  const delaySeconds = understood(delay, "delay");
  const mostSeconds = understood(most, "most");
  const delayMs = delaySeconds === undefined ? defaultRetry.delayMs : Math.round(delaySeconds * 1000);
  return {
    attempts: understood(attempts, "attempts") ?? defaultRetry.attempts,
    delayMs,
    factor: understood(factor, "factor") ?? defaultRetry.factor,
    jitter: understood(jitter, "jitter") ?? defaultRetry.jitter,
    mostDelayMs:
      mostSeconds === undefined ? Math.max(defaultRetry.mostDelayMs, delayMs) : Math.round(mostSeconds * 1000),
  };
}

/**
 * Milliseconds until the next try. `attempt` is the tries so far, at least 1; `chance` lies between 0 and 1;
 * `askedMs` is what the other side asked for: obeyed if longer, up to five minutes.
 */
export function backoffOf(policy: RetryPolicy, attempt: number, chance: number, askedMs = 0): number {
  const grown = policy.delayMs * policy.factor ** Math.min(attempt - 1, 100);
  const delay = Math.min(grown, policy.mostDelayMs);
  const own = delay * (1 - policy.jitter * (1 - chance));
  return Math.round(Math.max(own, Math.min(askedMs, FIVE_MINUTES_MS)));
}

const httpDate = /^[A-Za-z]{3,9},? [\w -]*\d{2}:\d{2}:\d{2}(?: \d{4}| GMT)$/;

/** Milliseconds that a Retry-After header asks to wait: seconds or an HTTP date. */
export function retryAfterOf(header: string | null | undefined, now: number): number | undefined {
  const text = header?.trim() ?? "";
  if (/^\d+$/.test(text)) return Math.min(Number(text) * 1000, Number.MAX_SAFE_INTEGER);
  if (!httpDate.test(text)) return undefined;
  const until = Date.parse(text.endsWith("GMT") ? text : `${text} GMT`);
  return Number.isNaN(until) ? undefined : Math.max(0, until - now);
}

/** Whether another try of a call with this answer may go better. */
export const mayPass = (status: number): boolean =>
  status === 408 || status === 429 || (status >= 500 && status <= 599 && status !== 501 && status !== 505);
