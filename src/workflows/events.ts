import { type Fault, listOf, shown, warning } from "../platform/faults.ts";
import type { Placed } from "./blocks.ts";

/** Waits for an event whose name is only a part of one that an async command tells: surely that one is meant. */
export function untoldEvents(commands: readonly Placed[]): Fault[] {
  const told = new Set(commands.flatMap(toldBy));
  const wholes = new Map<string, string[]>();
  for (const name of told) for (const part of partsOf(name)) wholes.set(part, [...(wholes.get(part) ?? []), name]);
  return commands.flatMap(({ command, path }) => {
    if (command.command !== "wait" || command.event === undefined || told.has(command.event)) return [];
    const meant = wholes.get(command.event);
    if (meant === undefined) return [];
    const message = `No async command tells an event "${shown(command.event)}". There are ${listOf(meant)}.`;
    return [warning("EVENT_UNTOLD", [...path, "event"], message)];
  });
}

function toldBy({ command }: Placed): string[] {
  if (command.command !== "exchange" && command.command !== "function") return [];
  const name = command.namespace ?? command.name;
  return command.async === true && name !== undefined ? [name] : [];
}

/** Of `a.b.c`: `a`, `a.b`, `b.c`, `c`. */
function partsOf(name: string): string[] {
  const steps = name.split(".");
  const parts = steps.slice(1).flatMap((_, index) => {
    return [steps.slice(0, index + 1).join("."), steps.slice(index + 1).join(".")];
  });
  return [...new Set(parts)];
}
