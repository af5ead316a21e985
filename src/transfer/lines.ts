/** A text as a stream of bytes, as fast as it is read: nothing is fetched before it is asked for. */
export function streamOf(texts: AsyncIterator<string>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream<Uint8Array>(
    {
      // What breaks off must not look like an end: the error goes to whoever reads.
      async pull(controller) {
        const { done, value } = await texts.next();
        if (done === true) controller.close();
        else controller.enqueue(encoder.encode(value));
      },
      async cancel() {
        await texts.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}

/** The same, once the first of it is there: what fails before that is an answer of its own. */
export async function begun(texts: AsyncGenerator<string>): Promise<AsyncIterator<string>> {
  let first: IteratorResult<string> | undefined = await texts.next();
  return {
    next: () => {
      const next = first === undefined ? texts.next() : Promise.resolve(first);
      first = undefined;
      return next;
    },
    return: () => texts.return(undefined),
  };
}
