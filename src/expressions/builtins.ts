import jsonata from "jsonata";
import { bounds } from "./bounds.ts";
import type { Meter } from "./guard.ts";
import { replacements } from "./replacements.ts";
import { ENTRY, type Focus, METER, type Native, type Scope } from "./scope.ts";

export interface Builtin {
  readonly _jsonata_function: true;
  readonly implementation: Native;
  readonly signature?: unknown;
}

const names =
  "sum count max min average string substring substringBefore substringAfter lowercase uppercase length trim pad match " +
  "contains replace split join formatNumber formatBase formatInteger parseInteger number floor ceil round abs sqrt power " +
  "random boolean not map zip filter single reduce sift keys lookup append exists spread merge reverse each error assert " +
  "type sort shuffle distinct base64encode base64decode encodeUrlComponent encodeUrl decodeUrlComponent decodeUrl " +
  "toMillis fromMillis millis clone";

/** jsonata writes the token and position of a call into the function; this one, shared by all, does not keep them. */
class Definition implements Builtin {
  readonly _jsonata_function = true;
  readonly implementation: Native;
  declare readonly signature?: unknown;

  constructor(implementation: Native, signature: unknown) {
    this.implementation = implementation;
    if (signature !== undefined) this.signature = signature;
  }

  /** jsonata calls a function that is the argument of a tail call by this. */
  apply(focus: Focus, args: unknown[]): unknown {
    return this.implementation.apply(focus, args);
  }

  get token(): undefined {
    return undefined;
  }

  set token(_name: unknown) {}

  get position(): undefined {
    return undefined;
  }

  set position(_at: unknown) {}
}

/** Every built-in of jsonata, bounded. `$eval` is none of them. */
export const builtins: ReadonlyMap<string, Builtin> = bounded();

function bounded(): Map<string, Builtin> {
  const found = new Map<string, Builtin>();
  const probe = jsonata("0");
  probe.assign(ENTRY as unknown as string, (_node: unknown, _input: unknown, scope: Scope) => {
    for (const name of names.split(" ")) found.set(name, boundedOne(name, scope.lookup(name) as Builtin));
    found.set("now", boundedOne("now", nowBy(scope.lookup("now") as Builtin, scope.lookup("fromMillis") as Builtin)));
  });
  // jsonata calls the hook before it first waits, so the map is full when this returns.
  void probe.evaluate(null);
  if (found.size !== names.split(" ").length + 1) throw new Error("The built-in functions of jsonata were not found.");
  return found;
}

function boundedOne(name: string, original: Builtin): Builtin {
  const bound = bounds[name];
  const work = replacements[name] ?? original.implementation;
  const implementation: Native = function (...args) {
    const meter = this.environment.base.lookup(METER) as Meter | undefined;
    if (meter === undefined) return work.apply(this, args);
    meter.take(2);
    for (const arg of args) {
      meter.receive(arg);
      if (Array.isArray(arg)) meter.take(meter.span(arg) >>> 6);
    }
    bound?.(meter, ...args);
    return received(meter, name, work.apply(this, args));
  };
  // jsonata reads the number of parameters and, for partial application, their names.
  Object.defineProperty(implementation, "length", { value: original.implementation.length });
  Object.defineProperty(implementation, "toString", { value: () => String(original.implementation) });
  return Object.freeze(new Definition(implementation, original.signature));
}

/** `$now` of this evaluation: jsonata's own tells the time of the latest evaluation of this text. */
function nowBy(own: Builtin, fromMillis: Builtin): Builtin {
  const implementation: Native = function (picture, timezone) {
    return fromMillis.implementation.call(this, this.environment.base.timestamp.getTime(), picture, timezone);
  };
  Object.defineProperty(implementation, "toString", { value: () => String(own.implementation) });
  return { ...own, implementation };
}

function received(meter: Meter, name: string, result: unknown): unknown {
  if (result instanceof Promise) return result.then((value: unknown) => received(meter, name, value));
  meter.receive(result);
  if (name === "clone" && typeof result === "object" && result !== null) meter.clones.add(result);
  return result;
}
