import { z } from "zod";

import { VARIABLE } from "./fields.ts";

/** Where calls go. A level may say a timeout without a URL; the certificate belongs to the URL beside it. */
export type Destination = {
  readonly url?: string;
  /** Name of a binding. */
  readonly certificate?: string;
  /** Seconds, or what names a variable of the environment. */
  readonly timeout?: number | string;
};

export const MOST_VARIABLES = 200;
export const MOST_ENVIRONMENTS = 10;

export const destination = z
  .strictObject({
    url: z.string().min(1).max(2000).optional().meta({
      description:
        "Address of the backend. In the flow of the whole API the called path is put behind it; for a resource or operation it is the whole address, and its parameters take the values of the call by their order. {{env.NAME}} stands for a variable.",
      example: "{{env.BACKEND}}/orders/{id}",
    }),
    timeout: z
      .union([z.number(), z.string().max(200)], { error: "A timeout is a number of seconds, or {{env.NAME}}." })
      .optional()
      .meta({
        description:
          "Seconds that the destination is waited for, or a variable such as {{env.TIMEOUT}}. The most specific scope decides; 30 if none says any.",
        example: 10,
      }),
    certificate: z
      .string()
      .regex(/^CERTIFICATE_[A-Z0-9_]{1,64}$/, "Use CERTIFICATE_ and capitals, digits or _, such as CERTIFICATE_ORDERS.")
      .optional()
      .meta({
        description: "mTLS binding of this Worker with which the url is called.",
        example: "CERTIFICATE_ORDERS",
      }),
  })
  .meta({
    id: "ApiDestination",
    description: "Where calls of a scope go.",
    example: { url: "https://backend.example.com/orders", timeout: 10 },
  });

const Environment = z
  .strictObject({
    variables: z
      .record(z.string().regex(VARIABLE, "Use letters, digits and _, at most 100."), z.string().max(4000))
      .refine((variables) => Object.keys(variables).length <= MOST_VARIABLES, {
        error: `At most ${MOST_VARIABLES} variables are possible.`,
        params: { code: "TOO_LARGE" },
      })
      .default({})
      .meta({
        description: `Texts by name, at most ${MOST_VARIABLES}. They are not kept secret: keep credentials as secrets.`,
        example: { BACKEND: "https://backend.example.com" },
      }),
  })
  .meta({ id: "ApiEnvironment", description: "Variables of one environment." });

export const environments = z
  .record(
    z.string().regex(/^[A-Za-z][\w-]{0,63}$/, "Use a letter, then letters, digits, _ and -, at most 64."),
    Environment,
  )
  .refine((all) => Object.keys(all).length <= MOST_ENVIRONMENTS, {
    error: `At most ${MOST_ENVIRONMENTS} environments are possible.`,
    params: { code: "TOO_LARGE" },
  })
  .default({})
  .meta({
    description: `Environments by name, at most ${MOST_ENVIRONMENTS}.`,
    example: { production: { variables: { BACKEND: "https://backend.example.com" } } },
  });

export type Variables = Readonly<Record<string, string>>;
export type Environments = z.infer<typeof environments>;

const reference = /\{\{\s*env\.([A-Za-z_]\w{0,99})\s*\}\}/g;

/** The variables that a text names, each as `{{env.NAME}}`. */
export const variablesIn = (text: string): string[] => [...text.matchAll(reference)].map(([, name]) => name!);

/** The text with the values of its variables; what the environment does not have stays as it stands. */
export const withVariables = (text: string, variables: Variables): string =>
  text.replaceAll(reference, (whole, name: string) => (Object.hasOwn(variables, name) ? variables[name]! : whole));
