/** Keys that lead into the document. */
export type DocumentPath = readonly (string | number)[];

/** What is wrong with a document, in a sentence for its author. */
export interface Fault {
  readonly code: string;
  readonly path: (string | number)[];
  readonly message: string;
  /** Present where the document can be stored and run all the same. */
  readonly warning?: true;
}

export const fault = (code: string, path: DocumentPath, message: string): Fault => ({ code, path: [...path], message });

export const warning = (code: string, path: DocumentPath, message: string): Fault => ({
  ...fault(code, path, message),
  warning: true,
});

const MOST_NAMES = 20;

/** `a, b, c` and how many more. */
export function listOf(names: Iterable<string>): string {
  const all = [...names];
  const rest = all.length - MOST_NAMES;
  return `${all.slice(0, MOST_NAMES).map(shown).join(", ")}${rest > 0 ? ` and ${rest} more` : ""}`;
}

const MOST_SHOWN = 64;

/** A name as its author wrote it, however long. */
export const shown = (name: string): string => (name.length > MOST_SHOWN ? `${name.slice(0, MOST_SHOWN)}…` : name);
