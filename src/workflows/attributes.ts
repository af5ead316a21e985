import { blocksOf, type Block, everyCommand, type Placed, placedIn, type Unit } from "./blocks.ts";
import { firstOf, readBy, readWhereRegistered, setBy } from "./effects.ts";
import { type DocumentPath, type Fault, fault, listOf, shown, warning } from "../platform/faults.ts";
import type { Switch, Workflow } from "./model.ts";
import { expressionsIn, type PlacedExpression, type PlacedTemplate, readsOf } from "./reads.ts";
import type { References } from "./references.ts";

export const MOST_ATTRIBUTES = 2000;
/** Of warnings, and with them of faults: an answer must not become many times as large as what was sent. */
const MOST_TOLD = 200;

const provided = new Set(["it", "init", "share", "execution"]);

/**
 * Attributes that are read but not set: by no command at all, which is a slip, or only later, on whatever way the
 * script comes there. It says nothing where that is not certain. Paths and functions must not lead back to themselves.
 */
export function unsetAttributes(workflow: Workflow, references: References): Fault[] {
  const ownOf = new Map(references.order.map((unit) => [unit, new Set(namesIn(workflow, unit))]));
  const everything = new Set([...ownOf.values()].flatMap((names) => [...names]));
  if (everything.size > MOST_ATTRIBUTES) {
    const message = `The commands set more than ${MOST_ATTRIBUTES} attributes. Put them together in objects.`;
    return [fault("ATTRIBUTES_TOO_MANY", [], message)];
  }
  const allOf = new Map<Unit, Set<string>>();
  for (const unit of references.order) {
    const called = pathsCalled(references, unit).flatMap((path) => [...allOf.get(path)!]);
    allOf.set(unit, new Set([...ownOf.get(unit)!, ...called]));
  }
  const course = new Course(workflow, references, allOf);
  for (const unit of references.order.toReversed()) course.follow(unit, everything);
  course.judgeRegistered();
  return course.faults;
}

const namesIn = (workflow: Workflow, block: Block): string[] =>
  [...everyCommand(block)].flatMap(({ command }) => setBy(workflow, command));

const pathsCalled = ({ callsOf }: References, unit: Unit): Unit[] => [
  ...new Set(
    callsOf
      .get(unit)!
      .map((call) => call.unit)
      .filter(({ kind }) => kind === "path"),
  ),
];

/** What may be set when a unit begins, and what is set anywhere where it is used. */
interface Start {
  readonly before: Set<string>;
  readonly anywhere: Set<string>;
}

class Course {
  readonly #workflow: Workflow;
  readonly #references: References;
  readonly #allOf: ReadonlyMap<Unit, ReadonlySet<string>>;
  readonly #paths: ReadonlyMap<string, Unit>;
  readonly #starts = new Map<Unit, Start>();
  /** What registered routes show is judged once, by all places where they are used. */
  readonly #registered = new Map<string, Start & { readonly template: PlacedTemplate }>();
  readonly #told = new Set<string>();
  #warnings = 0;
  readonly faults: Fault[] = [];
  #unit: Unit | undefined;
  #anywhere: ReadonlySet<string> = new Set();
  #listed = "";
  #known = new Known();

  constructor(workflow: Workflow, references: References, allOf: ReadonlyMap<Unit, ReadonlySet<string>>) {
    this.#workflow = workflow;
    this.#references = references;
    this.#allOf = allOf;
    this.#paths = new Map(references.order.filter(({ kind }) => kind === "path").map((unit) => [unit.name, unit]));
  }

  /** A path that nobody goes through is taken to begin with everything. */
  follow(unit: Unit, everything: Set<string>): void {
    if (unit.commands.length === 0) return;
    const own: Start = { before: new Set(), anywhere: new Set(this.#allOf.get(unit)) };
    const unused: Start = { before: everything, anywhere: everything };
    const start = unit.kind === "path" ? (this.#starts.get(unit) ?? unused) : own;
    this.#begin(start, unit);
    for (const path of pathsCalled(this.#references, unit)) addAll(this.#startOf(path).anywhere, start.anywhere);
    this.#block(unit);
  }

  judgeRegistered(): void {
    for (const { template, ...start } of this.#registered.values()) {
      this.#begin(start);
      this.#template(template);
    }
  }

  #begin({ before, anywhere }: Start, unit?: Unit): void {
    this.#unit = unit;
    this.#anywhere = anywhere;
    this.#listed = listOf([...anywhere, ...provided]);
    this.#known = new Known(before);
  }

  #startOf(path: Unit): Start {
    const start = this.#starts.get(path) ?? { before: new Set(), anywhere: new Set() };
    this.#starts.set(path, start);
    return start;
  }

  #block(block: Block): void {
    for (const placed of placedIn(block)) this.#command(placed);
  }

  #command(placed: Placed): void {
    const { command, path } = placed;
    for (const expression of readBy(placed)) this.#read(expression);
    const blocks = blocksOf(placed);
    switch (command.command) {
      case "set":
        for (const [name, value] of Object.entries(command.values)) {
          this.#template({ value, path: [...path, "values", name] });
          this.#known.add(firstOf(name));
        }
        return;
      case "if":
      case "match":
        this.#either(blocks.map((block) => () => this.#block(block)));
        return;
      case "switch":
        this.#either(this.#waysOf(command, blocks));
        return;
      case "loop":
        for (const name of this.#setWithin(blocks[0]!)) this.#known.add(name);
        this.#block(blocks[0]!);
        this.#read({ text: command.until, path: [...path, "until"] });
        return;
      case "path":
        this.#path(command.name);
        return;
      case "route":
        for (const template of readWhereRegistered(this.#workflow, command)) this.#shows(template);
        for (const name of setBy(this.#workflow, command)) this.#known.add(name);
        return;
      default:
        // A fallback is done in the place of what would have set the namespace.
        this.#either(blocks.map((block) => () => this.#block(block)));
        for (const name of setBy(this.#workflow, command)) this.#known.add(name);
    }
  }

  /** Each way begins with the same; afterwards it may have been any of them. */
  #either(ways: readonly (() => void)[]): void {
    const mark = this.#known.mark();
    const added = ways.flatMap((way) => {
      way();
      return this.#known.takeBack(mark);
    });
    for (const name of added) this.#known.add(name);
  }

  /** Cases up to one that breaks are one way, for each may be come to from the one before. */
  #waysOf({ cases, default: other }: Switch, blocks: readonly Block[]): (() => void)[] {
    const ways: Block[][] = [[]];
    for (const [index, one] of cases.entries()) {
      ways.at(-1)!.push(blocks[index]!);
      if (one.break === true) ways.push([]);
    }
    if (other !== undefined) ways.at(-1)!.push(blocks.at(-1)!);
    return ways.map((way) => () => {
      for (const block of way) this.#block(block);
    });
  }

  #path(name: string): void {
    const path = this.#paths.get(name);
    if (path === undefined) return;
    addAll(this.#startOf(path).before, this.#known.names);
    for (const attribute of this.#allOf.get(path)!) this.#known.add(attribute);
  }

  *#setWithin(block: Block): Generator<string> {
    for (const { command } of everyCommand(block)) {
      yield* setBy(this.#workflow, command);
      const path = command.command === "path" ? this.#paths.get(command.name) : undefined;
      if (path !== undefined) yield* this.#allOf.get(path)!;
    }
  }

  #shows(template: PlacedTemplate): void {
    const key = template.path.join(" ");
    const start = this.#registered.get(key) ?? { template, before: new Set(), anywhere: new Set() };
    this.#registered.set(key, start);
    addAll(start.before, this.#known.names);
    addAll(start.anywhere, this.#anywhere);
  }

  #template({ value, path }: PlacedTemplate): void {
    for (const expression of expressionsIn(value, path)) this.#read(expression);
  }

  #read({ text, path }: PlacedExpression): void {
    for (const read of readsOf(text)) {
      if (provided.has(read.name) || this.#known.names.has(read.name)) continue;
      const isSetLater = this.#anywhere.has(read.name);
      const key = JSON.stringify([path, read.name]);
      if ((isSetLater && (read.isAsked || this.#warnings >= MOST_TOLD)) || this.#told.has(key)) continue;
      if (this.#told.size >= 2 * MOST_TOLD) return;
      this.#told.add(key);
      if (isSetLater) this.#warnings += 1;
      this.faults.push(isSetLater ? setLater(read.name, path) : this.#setNowhere(read.name, path));
    }
  }

  #setNowhere(name: string, path: DocumentPath): Fault {
    const where = this.#unit?.kind === "function" ? `Nothing in the function "${this.#unit.name}"` : "No command";
    const advice = this.#unit?.kind === "function" ? ` A function reads its input as it.${shown(name)}.` : "";
    return fault("ATTRIBUTE_UNSET", path, `${where} sets "${shown(name)}". There are ${this.#listed}.${advice}`);
  }
}

const setLater = (name: string, path: DocumentPath): Fault =>
  warning("ATTRIBUTE_UNSET", path, `"${shown(name)}" is set only later: here it is empty.`);

/** Names that may have been set, of which the latest can be taken back. */
class Known {
  readonly names: Set<string>;
  readonly #added: string[] = [];

  constructor(names: ReadonlySet<string> = new Set()) {
    this.names = new Set(names);
  }

  add(name: string): void {
    if (this.names.has(name)) return;
    this.names.add(name);
    this.#added.push(name);
  }

  mark(): number {
    return this.#added.length;
  }

  takeBack(mark: number): string[] {
    const taken = this.#added.splice(mark);
    for (const name of taken) this.names.delete(name);
    return taken;
  }
}

function addAll(target: Set<string>, names: Iterable<string>): void {
  for (const name of names) target.add(name);
}
