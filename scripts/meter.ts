/**
 * The engine of scripts asks whether to go on only every 10,000 turns, and never within one of its own steps, such as a
 * search in a long list; the clock of a Worker stands still meanwhile. So it is made to count.
 *
 * Writes a WebAssembly module anew so that it counts: each turn of a loop and each call takes one from the exported
 * global `fuel`, each 64 bytes that are copied or filled at once take one more. Below zero it traps.
 */
export function metered(wasm: Uint8Array): Uint8Array {
  const source = new Reader(wasm);
  const out: number[] = [];
  source.copy(8, out);
  let types: number[] = [];
  let functions: number[] = [];
  let global = 0;
  while (source.at < wasm.length) {
    const id = source.byte();
    const size = source.leb();
    const end = source.at + size;
    const body = new Reader(wasm, source.at);
    source.at = end;
    const made: number[] = [];
    if (id === 2) demandNoGlobals(body);
    if (id === 1) types = paramsOf(body);
    if (id === 3) functions = Array.from({ length: body.leb() }, () => body.leb());
    body.at = end - size;
    if (id === 6) {
      global = body.leb();
      leb(global + 1, made);
      body.copy(end - body.at, made);
      made.push(0x7f, 1, 0x41, ...signed(0x7fffffff), 0x0b);
    } else if (id === 7) {
      leb(body.leb() + 1, made);
      body.copy(end - body.at, made);
      made.push(4, ...new TextEncoder().encode("fuel"), 3);
      leb(global, made);
    } else if (id === 10) {
      const count = body.leb();
      leb(count, made);
      for (let index = 0; index < count; index += 1) codeOf(body, types[functions[index] ?? -1] ?? 0, global, made);
    } else body.copy(end - body.at, made);
    out.push(id);
    leb(made.length, out);
    for (const byte of made) out.push(byte);
  }
  return Uint8Array.from(out);
}

function demandNoGlobals(body: Reader): void {
  for (let left = body.leb(); left > 0; left -= 1) {
    body.skip(body.leb());
    body.skip(body.leb());
    const kind = body.byte();
    if (kind === 0) body.leb();
    else if (kind === 2) {
      const limits = body.byte();
      body.leb();
      if (limits & 1) body.leb();
    } else throw new Error("An import that is not known.");
  }
}

/** Number of parameters of each type. */
function paramsOf(body: Reader): number[] {
  return Array.from({ length: body.leb() }, () => {
    if (body.byte() !== 0x60) throw new Error("A type that is not known.");
    const params = body.leb();
    body.skip(params);
    body.skip(body.leb());
    return params;
  });
}

function codeOf(body: Reader, params: number, global: number, out: number[]): void {
  const size = body.leb();
  const end = body.at + size;
  const made: number[] = [];
  const groups = body.leb();
  leb(groups + 1, made);
  let locals = params;
  for (let group = 0; group < groups; group += 1) {
    const count = body.leb();
    locals += count;
    leb(count, made);
    made.push(body.byte());
  }
  made.push(1, 0x7f);
  take([0x41, 1], global, made);
  while (body.at < end) instruction(body, locals, global, made);
  leb(made.length, out);
  for (const byte of made) out.push(byte);
}

/** What is taken is an instruction that leaves an i32. */
function take(cost: readonly number[], global: number, out: number[]): void {
  out.push(0x23, global, ...cost, 0x6b, 0x24, global, 0x23, global, 0x41, 0, 0x48, 0x04, 0x40, 0x00, 0x0b);
}

function instruction(body: Reader, spare: number, global: number, out: number[]): void {
  const began = body.at;
  const op = body.byte();
  const copy = (): void => {
    const { at } = body;
    body.at = began;
    body.copy(at - began, out);
  };
  if (op === 0x02 || op === 0x03 || op === 0x04) {
    body.leb();
    copy();
    if (op === 0x03) take([0x41, 1], global, out);
    return;
  }
  if (op === 0xfc) {
    const more = body.leb();
    if (more === 10) body.at += 2;
    else if (more === 11) body.at += 1;
    else if (more > 7) throw new Error(`An instruction that is not known: fc ${more}.`);
    if (more >= 10) {
      out.push(0x22);
      leb(spare, out);
      const cost: number[] = [0x20];
      leb(spare, cost);
      take([...cost, 0x41, 6, 0x76], global, out);
      out.push(0x20);
      // The length was left on the stack by the tee; what is read again is dropped.
      leb(spare, out);
      out.push(0x1a);
    }
    return copy();
  }
  if (op === 0x0c || op === 0x0d || op === 0x10 || (op >= 0x20 && op <= 0x24)) body.leb();
  else if (op === 0x0e) for (let left = body.leb() + 1; left > 0; left -= 1) body.leb();
  else if (op === 0x11) {
    body.leb();
    body.leb();
  } else if (op >= 0x28 && op <= 0x3e) {
    body.leb();
    body.leb();
  } else if (op === 0x3f || op === 0x40) body.at += 1;
  else if (op === 0x41 || op === 0x42) body.leb();
  else if (op === 0x43) body.at += 4;
  else if (op === 0x44) body.at += 8;
  else if (
    !(
      op <= 0x01 ||
      op === 0x05 ||
      op === 0x0b ||
      op === 0x0f ||
      op === 0x1a ||
      op === 0x1b ||
      (op >= 0x45 && op <= 0xc4)
    )
  ) {
    throw new Error(`An instruction that is not known: ${op.toString(16)}.`);
  }
  copy();
}

class Reader {
  readonly bytes: Uint8Array;
  at: number;
  constructor(bytes: Uint8Array, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }
  byte(): number {
    return this.bytes[this.at++] ?? 0;
  }
  /** Past a number of any length; its value is right below 2^32. */
  leb(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      if (shift < 32) value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  }
  skip(count: number): void {
    this.at += count;
  }
  copy(count: number, out: number[]): void {
    for (let left = count; left > 0; left -= 1) out.push(this.byte());
  }
}

function leb(value: number, out: number[]): void {
  let left = value;
  while (left > 0x7f) {
    out.push((left & 0x7f) | 0x80);
    left = Math.floor(left / 128);
  }
  out.push(left);
}

const signed = (value: number): number[] => {
  const bytes: number[] = [];
  let left = value;
  for (;;) {
    const byte = left & 0x7f;
    left >>= 7;
    if ((left === 0 && (byte & 0x40) === 0) || (left === -1 && (byte & 0x40) !== 0)) return [...bytes, byte];
    bytes.push(byte | 0x80);
  }
};
