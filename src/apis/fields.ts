import { z } from "zod";

import { headersOf } from "../connectors/headers.ts";
import { faultOfPattern } from "../expressions/pattern.ts";
import { expressionOver, template } from "../expressions/schemas.ts";

/** Ids that stand in addresses and as keys; `all` is the word for the scope of all. */
export const ID = /^[A-Za-z0-9][\w.-]{0,99}$/;
export const RESERVED_ID = /^all$/i;
export const ID_TEXT = z.string().regex(ID, "Use a letter or digit, then letters, digits and . _ -, at most 100.");
export const VARIABLE = /^[A-Za-z_]\w{0,99}$/;

const seen =
  "`method`, `path`, `headers` (names in lower case), `query`, `app`, `token` (claims), `context`, `env`, and on the response `status`";

/** One expression over a call. */
export const condition = expressionOver(seen);
/** Texts with expressions over a call. */
export const ofCall = (description: string, example: string) => template(description, example);

export const flag = (description: string, preset: boolean) =>
  z
    .boolean()
    .default(preset)
    .meta({ description: `${description} Default ${preset}.`, example: preset });

export const whole = (description: string, least: number, most: number, preset: number) =>
  z
    .int()
    .min(least)
    .max(most)
    .default(preset)
    .meta({ description: `${description} Default ${preset}.`, example: preset });

export const token = z.string().regex(/^[\w!#$%&'*+.^`|~-]{1,200}$/, "Use letters, digits and - _ . alone.");

/** The name of a header that is read. */
export const header = (description: string, example: string) => token.meta({ description, example });

/** The name of a header that may be written: none that the connection or the gateway sets. */
const written = z.string().superRefine((name, check) => {
  try {
    headersOf({ [name]: "" });
  } catch (cause) {
    check.addIssue({ code: "custom", message: (cause as Error).message, params: { code: "HEADER_INVALID" } });
  }
});

export const MOST_HEADERS = 50;

export const writtenNames = (description: string, example: readonly string[]) =>
  z.array(written).max(MOST_HEADERS).default([]).meta({ description, example });

export const writtenHeaders = (description: string, example: Readonly<Record<string, string>>) =>
  z
    .record(written, ofCall("The value.", "{{app.id}}"))
    .refine((headers) => Object.keys(headers).length <= MOST_HEADERS, {
      error: `At most ${MOST_HEADERS} headers are possible.`,
      params: { code: "TOO_LARGE" },
    })
    .default({})
    .meta({
      description: `${description} Values may hold {{expressions}}; one without a value leaves its header out.`,
      example,
    });

export const names = (
  description: string,
  example: readonly string[],
  schema: z.ZodType<string> = z.string().min(1).max(200),
) => z.array(schema).max(100).default([]).meta({ description, example });

/** Name under which something stands in the context of a call. */
export const variable = (description: string) =>
  z
    .string()
    .regex(/^[A-Za-z_]\w{0,63}$/, "Use letters, digits and _, at most 64.")
    .meta({ description: `${description} Others read it as context.NAME. Unique in its flow.`, example: "customer" });

/** Checked by the check of the document, which knows the environments. */
export const address = (description: string, example: string) =>
  z
    .string()
    .min(1)
    .max(2000)
    .meta({
      description: `${description} May begin with {{env.NAME}}; what other expressions give is encoded.`,
      example,
    });

export const status = (description: string, preset: number, least = 200) =>
  z
    .int()
    .min(least)
    .max(599)
    .default(preset)
    .meta({ description: `${description} Default ${preset}.`, example: preset });

/** Id of something that the repository keeps. */
export const hexId = (noun: string, description: string) =>
  z
    .string()
    .regex(/^[0-9a-f]{24}$/, `Use the id of ${noun}: 24 hex digits.`)
    .meta({ description, example: "5ca5c44c187c040010a9bb8b" });

/** Way to a value in JSON: keys and positions, `*` for all of them. No pattern, so nothing to be slow. */
const jsonPath = z
  .string()
  .max(1000)
  .regex(/^(?:\*|[^.*]{1,100})(?:\.(?:\*|[^.*]{1,100})){0,19}$/, "Use a path such as customer.iban or items.*.card.");

export const jsonPaths = (description: string) =>
  z
    .array(jsonPath)
    .max(100)
    .default([])
    .meta({
      description: `${description} Paths such as customer.iban; * stands for every key or position.`,
      example: ["items.*.card"],
    });

export const pattern = (description: string, example: string) =>
  z
    .string()
    .min(1)
    .max(1000)
    .superRefine((text, check) => {
      const message = faultOfPattern(text);
      if (message !== undefined) check.addIssue({ code: "custom", message, params: { code: "PATTERN_INVALID" } });
    })
    .meta({ description: `${description} An RE2 pattern.`, example });

/** What rejects a caller answers so. */
export const responseType = z
  .enum(["json", "text"])
  .default("json")
  .meta({ description: "Form of the refusal: problem JSON, or plain text. Default json.", example: "json" });
