import { z } from "zod";

/** Names of fields, namespaces and attributes: one level of a path. */
export const NAME = /^[A-Za-z_][\w-]{0,63}$/;

const words = {
  optional: z
    .boolean()
    .optional()
    .meta({ description: "true: may be missing, null or empty. Otherwise it is required.", example: true }),
  label: z
    .string()
    .max(200)
    .optional()
    .meta({ description: "What the field is called, for people.", example: "First name" }),
};

const size = (description: string, example: number) =>
  z.int().min(0).max(1_000_000).optional().meta({ description, example });

const TextField = z
  .strictObject({
    rule: z.literal("string").meta({ description: "Any text.", example: "string" }),
    ...words,
    min: size("Characters that it has at least.", 2),
    max: size("Characters that it has at most.", 100),
  })
  .meta({ id: "TextField", description: "A text.", example: { rule: "string", max: 100 } });

const NumberField = z
  .strictObject({
    rule: z.literal("number").meta({ description: "A number, or a text that is one.", example: "number" }),
    ...words,
    min: z.number().optional().meta({ description: "Least value.", example: 18 }),
    max: z.number().optional().meta({ description: "Greatest value.", example: 120 }),
    integer: z.boolean().optional().meta({ description: "true: no fractions.", example: true }),
  })
  .meta({ id: "NumberField", description: "A number.", example: { rule: "number", min: 18, integer: true } });

const TruthField = z
  .strictObject({
    rule: z.literal("truefalse").meta({ description: "true or false, also as a text.", example: "truefalse" }),
    ...words,
  })
  .meta({ id: "TruthField", description: "A yes or no.", example: { rule: "truefalse" } });

const FileField = z
  .strictObject({
    rule: z.literal("file").meta({ description: "Descriptor of a file that was uploaded before.", example: "file" }),
    ...words,
    mime: z
      .array(z.string().regex(/^[\w.+-]+\/(?:[\w.+-]+|\*)$/, "Use a type such as image/png or image/*."))
      .min(1)
      .max(50)
      .optional()
      .meta({ description: "Types that the file may have.", example: ["image/*", "application/pdf"] }),
  })
  .meta({ id: "FileField", description: "An uploaded file.", example: { rule: "file", mime: ["image/*"] } });

const ChoiceField = z
  .strictObject({
    rule: z.literal("values").meta({ description: "One of several values.", example: "values" }),
    ...words,
    values: z
      .array(z.union([z.string(), z.number(), z.boolean()]))
      .min(1)
      .max(1000)
      .meta({ description: "The values.", example: ["product1", "product2"] }),
  })
  .meta({ id: "ChoiceField", description: "A choice.", example: { rule: "values", values: ["yes", "no"] } });

const PatternField = z
  .strictObject({
    rule: z.literal("regex").meta({ description: "A text of a pattern.", example: "regex" }),
    ...words,
    pattern: z
      .string()
      .min(1)
      .max(1000)
      .meta({ description: "RE2 pattern that the whole text meets.", example: "\\+\\d{8,15}" }),
    message: z
      .string()
      .max(200)
      .optional()
      .meta({ description: "What is said of a text that does not.", example: "Use digits with a leading +." }),
  })
  .meta({ id: "PatternField", description: "A text of a pattern.", example: { rule: "regex", pattern: "\\d{5}" } });

type Leaf =
  | z.infer<typeof TextField>
  | z.infer<typeof NumberField>
  | z.infer<typeof TruthField>
  | z.infer<typeof FileField>
  | z.infer<typeof ChoiceField>
  | z.infer<typeof PatternField>;
export interface NestedField {
  readonly rule: "nested";
  readonly optional?: boolean | undefined;
  readonly label?: string | undefined;
  readonly fields: Fields;
}
/** What one field of a payload must be. */
export type Field = Leaf | NestedField;
/** What the fields of a payload must be, by name; in this order they are checked. */
export type Fields = { readonly [name: string]: Field };

export const Field: z.ZodType<Field> = z
  .lazy(() =>
    z.discriminatedUnion("rule", [
      TextField,
      NumberField,
      TruthField,
      FileField,
      ChoiceField,
      PatternField,
      z.strictObject({
        rule: z.literal("nested").meta({ description: "An object with fields of its own.", example: "nested" }),
        ...words,
        fields: Fields,
      }),
    ]),
  )
  .meta({ id: "Field", description: "What one field must be.", example: { rule: "string", max: 100 } });

export const Fields: z.ZodType<Fields> = z
  .record(z.string().regex(NAME, "Use letters, digits, _ and -, at most 64."), Field)
  .meta({
    id: "Fields",
    description: "What the fields of a payload must be. A field that is listed is required unless it is optional.",
    example: { firstname: { rule: "string", max: 100 }, age: { rule: "number", min: 18 } },
  });
