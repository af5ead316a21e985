import { blocksOf, type Block, type Placed, placedIn, routeInUse, type Unit } from "./blocks.ts";
import { type Fault, fault } from "../platform/faults.ts";
import type { Switch, Workflow } from "./model.ts";
import type { References } from "./references.ts";

/** Commands that stand behind one with which everything ends. */
export function unreachableCommands(workflow: Workflow, { order }: References): Fault[] {
  const judge = new Judge(workflow);
  for (const unit of order) judge.unit(unit);
  return judge.faults;
}

class Judge {
  readonly faults: Fault[] = [];
  /** Paths that never come to what stands behind them. */
  readonly #ending = new Set<string>();
  readonly #workflow: Workflow;

  constructor(workflow: Workflow) {
    this.#workflow = workflow;
  }

  unit(unit: Unit): void {
    if (this.#block(unit) && unit.kind === "path") this.#ending.add(unit.name);
  }

  /** Whether nothing comes to the end of the block. */
  #block(block: Block): boolean {
    const ends = placedIn(block).map((placed) => this.#command(placed));
    const at = ends.indexOf(true);
    if (at >= 0 && at < ends.length - 1) {
      const message = `This is never done: the ${block.commands[at]!.command} before it always ends.`;
      this.faults.push(fault("COMMAND_UNREACHABLE", [...block.path, at + 1], message));
    }
    return at >= 0;
  }

  #command(placed: Placed): boolean {
    const { command } = placed;
    const blocks = blocksOf(placed).map((block) => this.#block(block));
    switch (command.command) {
      case "success":
      case "error":
      case "decision":
        return true;
      case "route":
        return routeInUse(this.#workflow, command).terminal === true;
      case "path":
        return this.#ending.has(command.name);
      case "if":
      case "match":
        return command.else !== undefined && blocks.every(Boolean);
      case "switch":
        return switchEnds(command, blocks);
      case "loop":
        return blocks.every(Boolean);
      default:
        return false;
    }
  }
}

/** From behind: a case that does not break goes on with the next one, and the last with the default. */
function switchEnds({ cases, default: other }: Switch, blocks: readonly boolean[]): boolean {
  let next = other !== undefined && blocks.at(-1)!;
  let all = next;
  for (const [index, one] of [...cases.entries()].toReversed()) {
    next = blocks[index]! || (one.break !== true && next);
    all &&= next;
  }
  return all;
}
