import { AppError } from "../../platform/errors.ts";

/** R2 takes parts from this size on, all but the last of the same. */
export const PIECE = 5 * 1024 * 1024;

/** Bytes of the buffer at first. */
const FIRST = 64 * 1024;

/** An object of R2 in the making: one `put` if a piece holds it, else a multipart upload, piece by piece. */
export class Upload {
  readonly #bucket: R2Bucket;
  readonly #key: string;
  readonly #options: { readonly httpMetadata: R2HTTPMetadata };
  readonly #pieces: R2UploadedPart[] = [];
  #begun: R2MultipartUpload | undefined;
  /** Serves each piece in turn: one is stored before the next is gathered. */
  #buffer: Uint8Array | undefined;
  #filled = 0;
  #size = 0;

  constructor(bucket: R2Bucket, key: string, contentType: string) {
    this.#bucket = bucket;
    this.#key = key;
    this.#options = { httpMetadata: { contentType } };
  }

  get size(): number {
    return this.#size;
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.byteLength;) {
      if (this.#filled === PIECE) await this.#store();
      const taken = bytes.subarray(at, at + PIECE - this.#filled);
      this.#roomFor(this.#filled + taken.byteLength).set(taken, this.#filled);
      this.#filled += taken.byteLength;
      at += taken.byteLength;
    }
    this.#size += bytes.byteLength;
  }

  /** The buffer grows with what comes: whoever sends little holds little. */
  #roomFor(bytes: number): Uint8Array {
    const present = this.#buffer ?? new Uint8Array(FIRST);
    if (present.byteLength >= bytes) return (this.#buffer = present);
    const larger = new Uint8Array(Math.min(PIECE, Math.max(bytes, present.byteLength * 2)));
    larger.set(present.subarray(0, this.#filled));
    return (this.#buffer = larger);
  }

  /** Makes the object visible. */
  async finish(): Promise<void> {
    if (this.#begun === undefined) {
      await stored(this.#bucket.put(this.#key, this.#gathered(), this.#options));
    } else {
      await this.#store();
      await stored(this.#begun.complete(this.#pieces));
    }
  }

  /** Leaves nothing behind. Should that fail too, R2 itself gives the pieces up after seven days. */
  async abort(): Promise<void> {
    await this.#begun?.abort().catch(() => undefined);
  }

  async #store(): Promise<void> {
    this.#begun ??= await stored(this.#bucket.createMultipartUpload(this.#key, this.#options));
    this.#pieces.push(await stored(this.#begun.uploadPart(this.#pieces.length + 1, this.#gathered())));
    this.#filled = 0;
  }

  #gathered(): Uint8Array {
    return this.#buffer?.subarray(0, this.#filled) ?? new Uint8Array();
  }
}

async function stored<Result>(outcome: Promise<Result>): Promise<Result> {
  try {
    return await outcome;
  } catch (cause) {
    const message = "The file could not be stored. Please try again later.";
    throw new AppError("STORAGE_UNAVAILABLE", { message, cause });
  }
}
