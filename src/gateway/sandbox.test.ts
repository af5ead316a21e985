import { expect, it } from "vitest";

import { MOST_INPUT, runScript, type ScriptInput } from "./sandbox.ts";

const inputOf = (context: Record<string, unknown> = {}, body?: string): ScriptInput => ({
  at: Date.UTC(2026, 0, 2, 3, 4, 5),
  request: { method: "GET", path: "/a", url: "/a?q=1", query: [["q", "1"]], headers: [["x-a", "1"]], body },
  response: null,
  call: { id: "id", context, app: null, token: null, env: { stage: "test" } },
});
const run = (script: string, input = inputOf()) => runScript(script, input);

/** What a script finds out, by its traces. */
const told = async (expression: string): Promise<string> => {
  const { traces } = await run(`$call.tracer.trace(${expression})`);
  return traces.join();
};
const faultOf = async (script: string): Promise<string> => {
  const outcome = await run(script);
  return "fault" in outcome ? outcome.fault : "none";
};

const steps = "The script was stopped. It took more than 500,000 steps.";
const later = "The script was stopped. It left work for later. It has to end at once, without promises.";
const deep = "The script was stopped. It went too deep.";
const memory = "The script was stopped. It needed more memory than there is.";
const inLine = (line: number, kind: string) => `The script failed in line ${line} (${kind}).`;

it.each<[string, string, string | RegExp]>([
  ["an endless loop", "for(;;);", steps],
  ["an endless loop that catches all", "for(;;) try { for(;;); } catch {} finally { continue }", steps],
  ["endless calls", "const f = () => 1; for(;;) f()", steps],
  ["an endless getter in the result", "$call.contextVariables.a = { get b() { for(;;); } }", steps],
  ["an endless toJSON", "$call.contextVariables.a = { toJSON() { for(;;); } }", steps],
  ["an endless error", "throw { get name() { for(;;); } }", steps],
  ["a pattern that goes back and forth", "/(a+)+b/.test('a'.repeat(40))", steps],
  ["a step without end", "Array.prototype.includes.call({ length: 2 ** 53 - 1 }, 1)", steps],
  ["a list with nothing in it", "Array(4e9).indexOf(1)", steps],
  ["a search in a long text", "'x'.repeat(1e6).indexOf('x'.repeat(5e5) + 'y')", steps],
  ["large numbers", "const b = 2n ** 500000n - 1n; for (;;) b * b", steps],
  ["long texts", "for (;;) 'x'.repeat(3e6) + 'y' === 'z'", steps],
  ["endless recursion", "function f() { f() }\nf()", inLine(1, "InternalError")],
  ["deep JSON", "JSON.parse('['.repeat(100000))", /SyntaxError|InternalError/],
  ["a deep value", "let a=[];for(let i=0;i<100000;i++)a=[a];\nJSON.stringify(a)", inLine(2, "InternalError")],
  ["deep code", "eval('('.repeat(100000))", deep],
  ["an endless list", "const a = []; for(;;) a.push('x'.repeat(1000) + a.length)", memory],
  ["endless buffers", "const a = []; for(;;) a.push(new ArrayBuffer(100000))", memory],
  ["one large buffer", "new ArrayBuffer(1e9)", inLine(1, "InternalError")],
  ["one large text", "'x'.repeat(1e9) + 1", /InternalError|RangeError/],
  ["memory that stays full", "globalThis.a = []; for(;;) try { a.push(new ArrayBuffer(1e5)) } catch {}", memory],
  ["endless jobs", "const f = () => Promise.resolve().then(f); f()", later],
  ["what waits", "(async () => { await 1; $call.stopFlow = true })()", later],
  ["a module", "import('x')", later],
  ["a result that is too large", "$call.contextVariables.a = 'x'.repeat(1100000)", /1048576|memory/],
  ["a thrown text", "throw 'a secret'", "The script failed (Error)."],
  ["a thrown value", "\nnull.x", inLine(2, "TypeError")],
  ["words in an error", "throw new Error('a secret')", inLine(1, "Error")],
  ["a name that is none", "const e = new Error(); e.name = 'a secret'; throw e", inLine(1, "Error")],
  ["no syntax", "let a = 1;\nlet b = ;", inLine(2, "SyntaxError")],
  ["a name that is not there", "fetch('https://example.com')", inLine(1, "ReferenceError")],
  ["too many changes", "for (let i = 0; i < 501; i++) $request.setHeader('a', i)", /RangeError/],
  ["no status", "$response.setStatus('many')", /A status is 200 to 599/],
  ["a body that is not at hand", "$request.getBodyAsString()", /line 1 \(Error\)/],
  ["no response", "$call.response = {}", inLine(1, "TypeError")],
])("a script fails and nothing else does: %s", async (_, script, fault) => {
  expect(await faultOf(script)).toMatch(fault);
  expect(await told("1 + 1")).toBe("2");
});

it("memory is given back, whatever became of the script", async () => {
  const half = "const a = []; while (a.length < 40) a.push('x'.repeat(100000) + a.length);";
  for (let time = 0; time < 5; time += 1) expect(await faultOf(half)).toBe("none");
  expect(await faultOf("for (const a = [];;) a.push('x'.repeat(100000) + a.length)")).toBe(memory);
  expect(await faultOf(half)).toBe("none");
});

it("nothing of the outside is there", async () => {
  const names = ["fetch", "process", "require", "WebAssembly", "performance", "setTimeout", "console", "std", "os"];
  expect(await told(`[${names.map((name) => `typeof ${name}`).join()}].join()`)).toBe(
    names.map(() => "undefined").join(),
  );
  expect(await told("typeof Function('return this')().fetch")).toBe("undefined");
  expect(await told("typeof $call.constructor.constructor('return globalThis')().caches")).toBe("undefined");
  expect(await told("typeof $request.getHeader.constructor('return this')().Request")).toBe("undefined");
  expect(await told("(0, eval)('typeof WebSocket')")).toBe("undefined");
});

it("the clock says when the call came, by any way to ask it", async () => {
  const ways = ["Date.now()", "+new Date()", "new Date(Date.now()).getTime()", "+new (Date.prototype.constructor)()"];
  const same = `[${[...ways, "Date.parse(Date())", "+new (class extends Date {})()"].join()}].join()`;
  expect(await told(same)).toBe(Array.from({ length: 6 }, () => Date.UTC(2026, 0, 2, 3, 4, 5)).join());
  expect(await told("new Date(0).toISOString() + Date.UTC(1970)")).toBe("1970-01-01T00:00:00.000Z0");
});

it("nothing of one run is there in the next", async () => {
  await run(
    "globalThis.a = 1; Object.prototype.b = 2; Array.prototype.push = () => 'c'; JSON.stringify = () => '{}'; Date = 1",
  );
  expect(await told("[typeof a, ({}).b, [].push(1), JSON.stringify([1]), typeof Date].join()")).toBe(
    "undefined,,1,[1],function",
  );
  expect(({} as Record<string, unknown>)["b"]).toBeUndefined();
});

it.each([
  "Object.prototype.toJSON = () => ({ stop: 'yes', evil: 1 })",
  "Array.prototype.toJSON = () => 'text'",
  "String.prototype.toJSON = () => 1; $call.contextVariables.a = 'b'; $call.stopFlow = true",
  "Object.prototype.stop = true; Object.keys = () => { throw 1 }; Array.prototype.push = 1",
  "Object.defineProperty(Object.prototype, 'status', { get() { return {} } })",
  "Object.defineProperty(Object.prototype, 'headers', { set() { throw 1 }, get() { return 7 } })",
])("a result that was tampered with is a result or a fault, and no more: %s", async (script) => {
  const outcome = await run(script);
  const left = "result" in outcome ? Object.keys(outcome.result).join() : outcome.fault;
  expect(left).toMatch(/^stop,traces,request,response,changed,removed$|^The script /);
});

it("context variables come out as text: those that changed, and those that are gone", async () => {
  const script = `const c = $call.contextVariables; c.n += 1; delete c.gone; c.f = () => 1; c.p = new Proxy({}, { ownKeys: () => ['k'], getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }), get: (_, k) => k === 'toJSON' ? undefined : 'v' });
  c.put('m', c.get('same').a); c.d = new Date(); c['__proto__'] = { a: 1 }; Object.defineProperty(c, '__proto__', { value: { x: 1 }, enumerable: true })`;
  const outcome = await run(script, inputOf({ n: 1, gone: 1, same: { a: 2 } }));
  expect(outcome).toMatchObject({
    result: {
      changed: [
        ["n", "2"],
        ["p", '{"k":"v"}'],
        ["m", "2"],
        ["d", '"2026-01-02T03:04:05.000Z"'],
        ["__proto__", '{"x":1}'],
      ],
      removed: ["gone"],
    },
  });
});

it("traces are bounded, and kept of a script that fails", async () => {
  const { traces } = await run("for (let i = 0; i < 99; i++) $call.tracer.trace('x'.repeat(5000)); throw 1");
  expect([traces.length, traces[0]?.length]).toEqual([50, 1000]);
});

it("what goes in is bounded", async () => {
  const large = await run("1", inputOf({}, "x".repeat(MOST_INPUT)));
  expect(large).toEqual({ traces: [], fault: expect.stringContaining("larger than the 1048576 characters") });
  const fits = await run("$call.tracer.trace($request.body.length)", inputOf({}, "é".repeat(1_000_000)));
  expect(fits.traces).toEqual(["1000000"]);
});
