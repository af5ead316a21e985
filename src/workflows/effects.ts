import { entryOf, namespaceOfRoute, type Placed, type RouteCommand, routeInUse } from "./blocks.ts";
import type { DocumentPath } from "../platform/faults.ts";
import type { Command, Workflow } from "./model.ts";
import { expressionsIn, type PlacedExpression, type PlacedTemplate } from "./reads.ts";

/** What one command itself reads before it works; not what `set` and `until` do, which read between or behind. */
export function readBy({ command, path }: Placed): PlacedExpression[] {
  switch (command.command) {
    case "route":
      return templatesIn(command, path, shownParts);
    case "exchange":
      return templatesIn(command, path, ["url", "headers", "query", "body"]);
    case "function":
      return templatesIn(command, path, ["input"]);
    case "if":
    case "match":
      return [{ text: command.condition, path: [...path, "condition"] }];
    case "switch":
      return [
        ...(command.value === undefined ? [] : [{ text: command.value, path: [...path, "value"] }]),
        ...command.cases.flatMap(({ condition }, index) => {
          return condition === undefined ? [] : [{ text: condition, path: [...path, "cases", index, "condition"] }];
        }),
      ];
    case "success":
      return templatesIn(command, path, ["result"]);
    case "error":
      return templatesIn(command, path, ["message"]);
    case "decision":
      return templatesIn(command, path, ["decision", "result"]);
    case "log":
      return templatesIn(command, path, ["message"]);
    case "wait":
      return templatesIn(command, path, ["seconds"]);
    case "sharable":
      return templatesIn(command, path, ["payload", "token"]);
    default:
      return [];
  }
}

const shownParts = ["uri", "export", "result"] as const;

/** What a route shows that is not said where it is used, but where it is registered. */
export function readWhereRegistered(workflow: Workflow, { name, ...here }: RouteCommand): PlacedTemplate[] {
  const registered = entryOf(workflow.routes, name);
  if (registered === undefined || name === undefined) return [];
  return shownParts
    .filter((part) => Object.hasOwn(registered, part) && !Object.hasOwn(here, part))
    .map((part) => ({ value: registered[part], path: ["routes", name, part] }));
}

const templatesIn = <T extends Command>(command: T, path: DocumentPath, parts: readonly (keyof T & string)[]) =>
  parts.flatMap((part) => expressionsIn(command[part], [...path, part]));

/** The first names of the attributes that a command sets; share is always there. */
export function setBy(workflow: Workflow, command: Command): string[] {
  switch (command.command) {
    case "route": {
      const used = routeInUse(workflow, command);
      if (used.terminal === true) return [];
      const namespace = namespaceOfRoute(used);
      return namespace === undefined ? Object.keys(used.validate ?? {}) : [firstOf(namespace)];
    }
    case "exchange": {
      const namespace = command.namespace ?? command.name;
      return namespace === undefined ? [] : [firstOf(namespace)];
    }
    case "set":
      return Object.keys(command.values).map(firstOf);
    case "function":
    case "wait":
    case "sharable":
      return command.namespace === undefined ? [] : [firstOf(command.namespace)];
    default:
      return [];
  }
}

export const firstOf = (path: string): string => path.split(".", 1)[0]!;
