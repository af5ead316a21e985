import { z } from "zod";

import {
  command,
  condition,
  Decision,
  exchangeParts,
  expression,
  Fail,
  Func,
  Log,
  Path,
  PATH,
  Route,
  RouteDefinition,
  SetValues,
  Sharable,
  Success,
  Wait,
} from "./commands.ts";
import { Fields, NAME } from "./fields.ts";

type Leaf = z.infer<
  | typeof Route
  | typeof Func
  | typeof SetValues
  | typeof Path
  | typeof Success
  | typeof Fail
  | typeof Decision
  | typeof Log
  | typeof Wait
  | typeof Sharable
>;
type ExchangeLeaf = z.infer<z.ZodObject<typeof exchangeParts, z.core.$strict>>;
export type Exchange = ExchangeLeaf & { readonly fallback?: Commands | undefined };
export interface If {
  readonly command: "if" | "match";
  readonly condition: string;
  readonly do: Commands;
  readonly else?: Commands | undefined;
}
export interface Case {
  readonly equals?: unknown;
  readonly in?: readonly unknown[] | undefined;
  readonly matches?: string | undefined;
  readonly condition?: string | undefined;
  readonly do: Commands;
  readonly break?: boolean | undefined;
}
export interface Switch {
  readonly command: "switch";
  readonly value?: string | undefined;
  readonly cases: readonly Case[];
  readonly default?: Commands | undefined;
}
export interface Loop {
  readonly command: "loop";
  readonly do: Commands;
  readonly until: string;
  readonly most?: number | undefined;
}
/** One command of a script. */
export type Command = Leaf | Exchange | If | Switch | Loop;
export type Commands = readonly Command[];
export type CommandOf<K extends Command["command"]> = Extract<Command, { command: K }>;

export const MOST_COMMANDS = 1000;

export const Commands: z.ZodType<Commands> = z
  .lazy(() => z.array(Command).max(MOST_COMMANDS))
  .meta({
    id: "Commands",
    description: "Commands, one after the other.",
    example: [{ command: "route", name: "basic", uri: "/basic" }],
  });

const IfCommand = z
  .strictObject({
    command: z.enum(["if", "match"]).meta({ description: "Does something under a condition.", example: "if" }),
    condition: condition("Under which it is done."),
    do: Commands,
    else: Commands.optional(),
  })
  .meta({
    id: "IfCommand",
    description: "Does something under a condition. match is another word for it.",
    example: { command: "if", condition: "basic.age >= 18", do: [{ command: "success" }] },
  });

const CaseSchema = z
  .strictObject({
    equals: z.unknown().optional().meta({ description: "The value itself.", example: "gold" }),
    in: z
      .array(z.unknown())
      .optional()
      .meta({ description: "A list that has the value.", example: ["gold", "silver"] }),
    matches: z
      .string()
      .max(1000)
      .optional()
      .meta({ description: "RE2 pattern that the whole value meets.", example: "g.*" }),
    condition: condition("Condition on the attributes; the value is `$value`.").optional(),
    do: Commands,
    break: z.boolean().optional().meta({
      description: "true: ends the switch. Otherwise it falls through: what the next case does is done as well.",
      example: true,
    }),
  })
  .meta({ id: "SwitchCase", description: "One case: exactly one of equals, in, matches and condition." });

const SwitchCommand = z
  .strictObject({
    command: command("switch", "Compares a value with cases, in order."),
    value: expression("The value that is compared.", "basic.product").optional(),
    cases: z.array(CaseSchema).min(1).max(100).meta({ description: "The cases, in order." }),
    default: Commands.optional(),
  })
  .meta({
    id: "SwitchCommand",
    description:
      "Begins at the first case that fits, and falls through to the next ones until a case breaks. default comes last: when none fits, or none breaks.",
    example: {
      command: "switch",
      value: "basic.product",
      cases: [{ equals: "gold", do: [{ command: "set", values: { limit: 100 } }], break: true }],
      default: [{ command: "set", values: { limit: 10 } }],
    },
  });

const LoopCommand = z
  .strictObject({
    command: command("loop", "Repeats until a condition holds; at least once."),
    do: Commands,
    until: condition("Condition that ends the loop, asked after each round."),
    most: z.int().min(1).max(10_000).optional().meta({
      description: "Rounds at most; default 1000. More fail the execution with LOOP_LIMIT.",
      example: 10,
    }),
  })
  .meta({
    id: "LoopCommand",
    description: "Repeats until a condition holds; at least once.",
    example: { command: "loop", do: [{ command: "route", name: "code", uri: "/code" }], until: "code.ok = true" },
  });

const ExchangeCommand = z.strictObject({ ...exchangeParts, fallback: Commands.optional() }).meta({
  id: "ExchangeCommand",
  description:
    "Calls an HTTP service. What it answers becomes the namespace. If it fails in the end, fallback is done in its place.",
  example: { command: "exchange", url: "https://score.example.com", method: "POST", namespace: "score" },
});

export const Command: z.ZodType<Command> = z
  .lazy(() =>
    z.discriminatedUnion("command", [
      Route,
      ExchangeCommand,
      Func,
      SetValues,
      IfCommand,
      SwitchCommand,
      LoopCommand,
      Path,
      Success,
      Fail,
      Decision,
      Log,
      Wait,
      Sharable,
    ]),
  )
  .meta({
    id: "Command",
    description: "One command of a script.",
    example: { command: "route", name: "basic", uri: "/basic" },
  });

export const FunctionDefinition = z
  .strictObject({
    validate: Fields.optional(),
    internal: z.boolean().optional().meta({
      description: "true: only the script may call it. Otherwise clients may too: POST /api/execution/{uuid}/function.",
      example: true,
    }),
    commands: Commands,
  })
  .meta({
    id: "FunctionDefinition",
    description: "A child script without routes, with attributes of its own. Its result is what it ends with.",
    example: { validate: { age: { rule: "number" } }, commands: [{ command: "success", result: "{{it.age * 2}}" }] },
  });
export type FunctionDefinition = z.infer<typeof FunctionDefinition>;

/** Names by which executions of the workflow are started. Nothing that could be an id. */
export const WORKFLOW_NAME =
  /^(?![0-9a-fA-F]{24}$)(?![0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$)[A-Za-z][\w-]{0,63}$/;

const registered = <T extends z.ZodType>(schema: T, description: string) =>
  z
    .record(z.string().regex(NAME, "Use letters, digits, _ and -, at most 64."), schema)
    .optional()
    .meta({ description });

export const Workflow = z
  .strictObject({
    name: z
      .string()
      .regex(WORKFLOW_NAME, "Use a letter, then letters, digits, _ and -, at most 64; not an id.")
      .meta({ description: "Name by which executions are started: POST /api/executor/{name}.", example: "onboarding" }),
    access: z.enum(["owners", "public"]).default("owners").meta({
      description: "Who may start executions: owners with the permission executions.start, or anybody.",
      example: "public",
    }),
    expires: z.int().min(60).max(2_592_000).default(28_800).meta({
      description: "Seconds after which an execution expires; default 8 hours, at most 30 days.",
      example: 28_800,
    }),
    log: z.boolean().default(false).meta({
      description: "Whether the events of an execution are kept in detail; they hold what people entered.",
      example: false,
    }),
    mask: z
      .array(z.string().regex(PATH, "Use a path such as basic.iban."))
      .max(200)
      .optional()
      .meta({ description: "Attributes that are masked in events and in the back office.", example: ["basic.iban"] }),
    validate: Fields.optional().meta({ description: "What the input must be that an execution is started with." }),
    routes: registered(RouteDefinition, "Routes that are used by their names."),
    functions: registered(FunctionDefinition, "Functions by their names."),
    paths: registered(Commands, "Paths (sub-workflows) by their names."),
    commands: Commands,
  })
  .meta({
    id: "Workflow",
    description: "The script of a flow of kind workflow.",
    example: {
      name: "onboarding",
      access: "public",
      commands: [
        { command: "route", name: "basic", uri: "/basic", validate: { firstname: { rule: "string" } } },
        { command: "success", result: { hello: "{{basic.firstname}}" } },
      ],
    },
  });
export type Workflow = z.infer<typeof Workflow>;
