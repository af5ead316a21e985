import { z } from "zod";

import { faultOf } from "./evaluate.ts";
import { faultsOfTemplate } from "./template.ts";

/** One JSONata expression; `over` says what it sees. */
export const expressionOver = (over: string) => (description: string, example: string) =>
  z
    .string()
    .min(1, { error: "Write an expression.", abort: true })
    .max(10_000, { abort: true })
    .superRefine((text, check) => {
      const fault = faultOf(text);
      if (fault !== undefined) check.addIssue({ code: "custom", message: fault });
    })
    .meta({
      description: `${description} JSONata, over ${over}.`,
      example,
      format: "jsonata",
    });

/** Text in which `{{ expression }}` stands for its value. */
export const template = (description: string, example: string) =>
  z
    .string()
    .max(100_000)
    .superRefine(checkTemplates)
    .meta({ description: `${description} May hold {{expressions}}.`, example, format: "template" });

/** Any JSON whose texts may hold `{{expressions}}`. */
export const templates = (description: string, example: unknown) =>
  z
    .unknown()
    .superRefine(checkTemplates)
    .meta({ description: `${description} Texts in it may hold {{expressions}}.`, example });

/** An object whose texts may hold `{{expressions}}`, or one text that is nothing but an expression for it. */
export const objectOfTemplates = (description: string, example: Readonly<Record<string, unknown>>) =>
  orTemplate(
    z.record(z.string(), z.unknown()).superRefine(checkTemplates),
    `${description} Texts in it may hold {{expressions}}.`,
    example,
  );

/** A value of a kind, or one text that is nothing but `{{an expression}}` for it. */
export const orTemplate = <T extends z.ZodType>(schema: T, description: string, example: unknown) =>
  z
    .union(
      [
        schema,
        z
          .string()
          .regex(/^\s*\{\{[\s\S]*\}\}\s*$/, { error: wanted(example), abort: true })
          .superRefine(checkTemplates),
      ],
      { error: wanted(example) },
    )
    .meta({ description, example });

const wanted = (example: unknown): string =>
  `Use a value such as ${JSON.stringify(example)}, or one {{expression}} for it.`;

function checkTemplates(value: unknown, check: z.core.$RefinementCtx): void {
  for (const { pointer, message } of faultsOfTemplate(value)) {
    const path = pointer
      .split("/")
      .slice(1)
      .map((part: string) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
    check.addIssue({ code: "custom", message, path });
  }
}
