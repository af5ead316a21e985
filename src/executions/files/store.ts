const MOST_AT_ONCE = 1000;

const folderOf = (execution: string): string => `executions/${execution}/`;

export const keyOf = (execution: string, file: string): string => `${folderOf(execution)}${file}`;

/** Deletes all files of an execution, also those that were uploaded and never entered. */
export async function dropFiles(bucket: R2Bucket, execution: string): Promise<void> {
  for (;;) {
    const { objects, truncated } = await bucket.list({ prefix: folderOf(execution), limit: MOST_AT_ONCE });
    if (objects.length > 0) await bucket.delete(objects.map(({ key }) => key));
    if (!truncated) return;
  }
}
