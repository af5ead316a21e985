import { ConnectorError } from "./fault.ts";

/** One deadline over everything that a call waits for. `clear` it in the end. */
export class Deadline {
  #controller: AbortController | undefined;
  readonly #late = Promise.withResolvers<never>();
  readonly #timer: ReturnType<typeof setTimeout>;

  constructor(ms: number, origin: string) {
    this.#late.promise.catch(() => undefined);
    this.#timer = setTimeout(() => {
      this.#late.reject(new ConnectorError("TIMEOUT", `${origin} did not answer in full within ${ms} ms.`));
      this.#controller?.abort();
    }, ms);
  }

  /** Made when it is first asked for. */
  get signal(): AbortSignal {
    return (this.#controller ??= new AbortController()).signal;
  }

  /** Settles as the work does, or fails with TIMEOUT if that comes first, whether the work heeds the signal or not. */
  race<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#late.promise]);
  }

  clear(): void {
    clearTimeout(this.#timer);
  }
}
