import variant from "@jitl/quickjs-wasmfile-release-sync";
import {
  newQuickJSWASMModuleFromVariant,
  newVariant,
  type QuickJSContext,
  type QuickJSHandle,
  type QuickJSRuntime,
  type QuickJSWASMModule,
  Scope,
} from "quickjs-emscripten-core";

import { PRELUDE } from "./prelude.ts";
import wasmModule from "./quickjs.wasm";

/** Pages of 64 KiB that the engine has, and never more. About 5 MiB are its own; what is left is the script's. */
const PAGES = 256;
/** Of one block. The engine does not add blocks up rightly, so what bounds all of them is the size above. */
const MOST_BYTES = 8 * 1024 * 1024;
const MOST_STACK = 64 * 1024;
/** Each time 10,000 calls, turns of loops or steps of patterns have passed, the engine asks whether to go on. */
const MOST_ASKS = 50;
/** Turns of loops and calls within the engine: what it does in one step, such as a search in a long text, counts too. */
const MOST_FUEL = 50_000_000;
const TOO_LONG = "It took more than 500,000 steps.";
const TOO_LARGE = "It needed more memory than there is.";
/** Characters that come out of a script in all. */
export const MOST_RESULT = 1_048_576;

/**
 * Memory that never grows. What asks for more ends there and then: a script that went on with its memory full would
 * spend more on each step than the count of steps tells. The engine reads `buffer` when it begins, and when it grows.
 */
function fixedMemory(): WebAssembly.Memory {
  const memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES });
  const { buffer } = memory;
  let isFull = false;
  const grow = (): never => {
    isFull = true;
    throw new MemoryFull();
  };
  return Object.defineProperties(memory, {
    buffer: { get: () => (isFull ? grow() : buffer) },
    grow: { value: grow },
  });
}

class MemoryFull extends Error {}

/** How a script ended. `text` is JSON that was written inside, and to be trusted no more than the script. */
export type Ran =
  | { readonly kind: "done"; readonly text: string }
  | { readonly kind: "failed"; readonly text: string }
  | { readonly kind: "stopped"; readonly why: string };

/** One for the whole isolate. What runs in it has a runtime of its own, and nothing in it waits for the outside. */
let kept: Engine | undefined;

interface Engine {
  readonly quickjs: QuickJSWASMModule;
  /** Goes down by one for each turn of a loop and each call within the engine, which ends below zero. */
  readonly fuel: WebAssembly.Global;
}

/** Two first calls at once may each make one: a promise of another call must not be waited for. */
async function engine(): Promise<Engine> {
  let fuel: WebAssembly.Global | undefined;
  const instantiateWasm = (imports: WebAssembly.Imports, receive: (instance: WebAssembly.Instance) => void) => {
    const instance = new WebAssembly.Instance(wasmModule, imports);
    fuel = instance.exports["fuel"] as WebAssembly.Global;
    receive(instance);
    return instance.exports;
  };
  const options = { wasmMemory: fixedMemory(), emscriptenModule: { instantiateWasm } };
  const quickjs = await newQuickJSWASMModuleFromVariant(newVariant(variant, options));
  return (kept ??= { quickjs, fuel: fuel! });
}

/** Runs a script over a call that is given as JSON text. Throws nothing of the script's. */
export async function runInSandbox(script: string, input: string): Promise<Ran> {
  const within = kept ?? (await engine());
  try {
    within.fuel.value = MOST_FUEL;
    return runWith(within.quickjs, script, input);
  } catch (cause) {
    // It was left in the middle of something, so what it holds cannot be trusted any more.
    if (kept === within) kept = undefined;
    if (cause instanceof MemoryFull) return { kind: "stopped", why: TOO_LARGE };
    return { kind: "stopped", why: Number(within.fuel.value) < 0 ? TOO_LONG : "It went too deep." };
  }
}

function runWith(within: QuickJSWASMModule, script: string, input: string): Ran {
  let asks = 0;
  let isOver = false;
  const runtime = within.newRuntime({
    memoryLimitBytes: MOST_BYTES,
    maxStackSizeBytes: MOST_STACK,
    interruptHandler: () => (isOver ||= (asks += 1) > MOST_ASKS),
  });
  const context = runtime.newContext();
  const scope = new Scope();
  const ran = runIn({ context, runtime, scope, isOver: () => isOver }, script, input);
  // Not in a finally: after a throw nothing more may run in there, and all of it is dropped.
  scope.dispose();
  context.dispose();
  runtime.dispose();
  return ran;
}

interface Room {
  readonly context: QuickJSContext;
  readonly runtime: QuickJSRuntime;
  readonly scope: Scope;
  readonly isOver: () => boolean;
}

function runIn(room: Room, script: string, input: string): Ran {
  const { context, runtime, scope } = room;
  const setUp = scope.manage(context.unwrapResult(context.evalCode(PRELUDE, "gateway.js")));
  const given = scope.manage(context.newString(input));
  const made = context.callFunction(setUp, context.undefined, given);
  if (made.error !== undefined) {
    made.error.dispose();
    return { kind: "stopped", why: "The call does not fit into the memory that a script has." };
  }
  const tools = scope.manage(made.value);
  const finish = scope.manage(context.getProp(tools, "finish"));
  const explain = scope.manage(context.getProp(tools, "explain"));
  const result = context.evalCode(script, "script.js");
  if (result.error !== undefined) return failed(room, explain, scope.manage(result.error));
  result.value.dispose();
  if (runtime.hasPendingJob()) {
    return {
      kind: "stopped",
      why: "It left work for later. It has to end at once, without promises.",
    };
  }
  const written = context.callFunction(finish, context.undefined);
  if (written.error !== undefined) return failed(room, explain, scope.manage(written.error));
  const text = context.getString(scope.manage(written.value));
  if (text.length > MOST_RESULT) {
    return {
      kind: "stopped",
      why: `It leaves more than the ${MOST_RESULT} characters that may come out.`,
    };
  }
  return { kind: "done", text };
}

function failed({ context, scope, isOver }: Room, explain: QuickJSHandle, error: QuickJSHandle): Ran {
  if (isOver()) return { kind: "stopped", why: TOO_LONG };
  const explained = context.callFunction(explain, context.undefined, error);
  if (explained.error === undefined) {
    const text = context.getString(scope.manage(explained.value));
    return { kind: "failed", text };
  }
  explained.error.dispose();
  return { kind: "stopped", why: isOver() ? TOO_LONG : TOO_LARGE };
}
