import { isMatch } from "../platform/conditional.ts";
import { AppError } from "../platform/errors.ts";

/** Of edits at the same time one wins each round. */
const TRIES = 25;

interface Stamped {
  readonly updated_at: number;
}

/** Every write moves `updated_at` on, so that no two states of a row have the same. */
export const tagOf = ({ updated_at: updatedAt }: Stamped): string => `"${updatedAt}"`;

export interface Edit<Row, Written> {
  readonly noun: "app" | "plan";
  readonly ifMatch?: string | undefined;
  /** Throws if there is none within reach. */
  readonly find: () => Promise<Row>;
  /** Writes only if the row is still as it was read; undefined if it is not. */
  readonly write: (row: Row) => Promise<Written | undefined>;
}

/** Makes an edit, again as long as others come between. */
export async function edited<Row extends Stamped, Written>(edit: Edit<Row, Written>): Promise<Written> {
  const { noun, ifMatch, find, write } = edit;
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const row = await find();
    if (!isMatch(ifMatch, tagOf(row))) throw preconditionFailed(noun, tagOf(row));
    const written = await write(row);
    if (written !== undefined) return written;
  }
  const message = `The ${noun} was changed by somebody else at the same time. Read it again and repeat.`;
  throw new AppError("REVISION_CONFLICT", { message });
}

const preconditionFailed = (noun: string, etag: string): AppError =>
  new AppError("PRECONDITION_FAILED", {
    message: `The ${noun} is not the one that If-Match names. Read it again and repeat.`,
    parameter: "If-Match",
    detail: `The ${noun} has the ETag ${etag}.`,
    etag,
  });
