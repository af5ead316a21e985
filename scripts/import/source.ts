import { createHash } from "node:crypto";
import { createReadStream, openSync, readSync, closeSync, statSync } from "node:fs";
import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";

import { Plain } from "./options.ts";

export interface Source {
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Bytes of the file, and how many of them were read; unknown of a pipe. */
  readonly size: number | undefined;
  readonly bytesRead: () => number;
  /** Tells this file from another one of the same name, and from itself once it was mended; undefined of a pipe, which cannot be read twice. */
  readonly fingerprint: string | undefined;
}

/** Opens a file, unpacked where it is packed. */
export function sourceOf(file: string): Source {
  if (file === "-") return { chunks: process.stdin, size: undefined, bytesRead: () => 0, fingerprint: undefined };
  const { size, fingerprint } = identityOf(file);
  const raw = createReadStream(file, { highWaterMark: 256 * 1024 });
  const chunks = file.endsWith(".gz") ? unpacked(raw) : raw;
  return { chunks, size, bytesRead: () => raw.bytesRead, fingerprint };
}

function unpacked(raw: Readable): AsyncIterable<Uint8Array> {
  const gunzip = createGunzip();
  raw.on("error", (error) => gunzip.destroy(error));
  return raw.pipe(gunzip);
}

const FIRST_BYTES = 64 * 1024;

function identityOf(file: string): { size: number; fingerprint: string } {
  try {
    const { size, mtimeMs } = statSync(file);
    const first = Buffer.alloc(Math.min(FIRST_BYTES, size));
    const handle = openSync(file, "r");
    readSync(handle, first);
    closeSync(handle);
    return { size, fingerprint: `${size}-${mtimeMs}-${createHash("sha256").update(first).digest("hex")}` };
  } catch (error) {
    throw new Plain(`${file} cannot be read. ${error instanceof Error ? error.message : ""}`);
  }
}
