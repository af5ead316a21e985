import type { z } from "zod";

import { bytesOf } from "../messages/model.ts";
import { AppError, errorItem } from "../platform/errors.ts";
import { MOST_VALUE_BYTES } from "./model.ts";

/** Parses what was sent. Findings tell where something is wrong and what would be right, never what was sent. */
export function parsed<T extends z.ZodType>(schema: T, sent: unknown, below: readonly string[] = []): z.output<T> {
  const result = schema.safeParse(sent);
  if (result.success) return result.data;
  const items = result.error.issues.map(({ path, message }) => {
    const pointer = [...below, ...path].map((key) => `/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`);
    return errorItem("INVALID_BODY", { pointer: pointer.join(""), detail: message });
  });
  throw new AppError("INVALID_BODY", { items });
}

export function refuseLargeValue(value: unknown): void {
  if (bytesOf(JSON.stringify(value)) <= MOST_VALUE_BYTES) return;
  const detail = `As JSON a value has at most ${MOST_VALUE_BYTES} bytes.`;
  throw new AppError("BODY_TOO_LARGE", { pointer: "/value", detail });
}
