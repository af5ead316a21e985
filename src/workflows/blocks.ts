import type { DocumentPath } from "../platform/faults.ts";
import type { Command, Commands, Workflow } from "./model.ts";

/** A list of commands and where it stands. */
export interface Block {
  readonly commands: Commands;
  readonly path: DocumentPath;
}
export interface Placed {
  readonly command: Command;
  readonly path: DocumentPath;
}
/** The script itself, or a path or function that it has registered. */
export interface Unit extends Block {
  readonly kind: "script" | "path" | "function";
  readonly name: string;
}

export const unitsOf = (workflow: Workflow): Unit[] => [
  { kind: "script", name: "", commands: workflow.commands, path: ["commands"] },
  ...Object.entries(workflow.paths ?? {}).map(([name, commands]): Unit => {
    return { kind: "path", name, commands, path: ["paths", name] };
  }),
  ...Object.entries(workflow.functions ?? {}).map(([name, { commands }]): Unit => {
    return { kind: "function", name, commands, path: ["functions", name, "commands"] };
  }),
];

/** The lists of commands that a command holds. */
export function blocksOf({ command, path }: Placed): Block[] {
  const block = (commands: Commands | undefined, ...keys: (string | number)[]): Block[] =>
    commands === undefined ? [] : [{ commands, path: [...path, ...keys] }];
  switch (command.command) {
    case "if":
    case "match":
      return [...block(command.do, "do"), ...block(command.else, "else")];
    case "switch":
      return [
        ...command.cases.flatMap((one, index) => block(one.do, "cases", index, "do")),
        ...block(command.default, "default"),
      ];
    case "loop":
      return block(command.do, "do");
    case "exchange":
      return block(command.fallback, "fallback");
    default:
      return [];
  }
}

export const placedIn = ({ commands, path }: Block): Placed[] =>
  commands.map((command, index) => ({ command, path: [...path, index] }));

/** Every command of a block, those within others too, in the order of the document. */
export function* everyCommand(block: Block): Generator<Placed> {
  for (const placed of placedIn(block)) {
    yield placed;
    for (const inner of blocksOf(placed)) yield* everyCommand(inner);
  }
}

type Registered = NonNullable<Workflow["routes"]>[string];

/** What is registered under a name; never what every object inherits. */
export const entryOf = <T>(registry: Readonly<Record<string, T>> | undefined, name: string | undefined) =>
  registry !== undefined && name !== undefined && Object.hasOwn(registry, name) ? registry[name] : undefined;

export type RouteCommand = Extract<Command, { command: "route" }>;

/** A route as it works: what is said at the place of use goes before what is registered. */
export function routeInUse(workflow: Workflow, route: RouteCommand): RouteCommand {
  const registered: Registered | undefined = entryOf(workflow.routes, route.name);
  return registered === undefined ? route : { ...registered, ...route };
}

/** Where the payload of a route goes; undefined: its fields become attributes. */
export const namespaceOfRoute = (route: RouteCommand): string | undefined => route.namespace ?? route.name;
