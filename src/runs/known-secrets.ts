import type { Config } from "../platform/config.ts";
import { seal, unseal, type Sealed } from "../secrets/seal.ts";
import type { Secret } from "../secrets/open.ts";
import { sealedIn } from "./journal-read.ts";
import { hideIn } from "./mask.ts";
import type { Rows } from "./rows.ts";

/**
 * The values of secrets that a run was given, so that they can be hidden wherever it shows something. They are kept
 * sealed; where there is no key to seal them with, they are known only as long as the object is awake.
 */
export class KnownSecrets {
  readonly #rows: Rows;
  readonly #keys: Config["SECRETS_KEY"];
  readonly #values = new Set<string>();
  readonly #seen = new Set<string>();

  constructor(rows: Rows, config: Config) {
    this.#rows = rows;
    this.#keys = config.SECRETS_KEY;
  }

  /** Recalls what the run was given before. */
  async recall(): Promise<void> {
    for (const [id, sealed] of Object.entries(JSON.parse(this.sealed) as Record<string, Sealed>)) {
      if (this.#seen.has(id)) continue;
      const opened = await unseal(this.#keys, id, sealed);
      if (opened.ok) for (const value of opened.value as string[]) this.#values.add(value);
    }
  }

  /** Values that messages of another run brought along. */
  async adopt(secrets: string | undefined): Promise<void> {
    if (secrets === undefined || secrets === "{}") return;
    this.#rows.do("UPDATE run SET secrets = json_patch(secrets, ?)", secrets);
    await this.recall();
  }

  /** All of them, sealed, as JSON. */
  get sealed(): string {
    return sealedIn(this.#rows);
  }

  async learn({ id, type, value }: Secret): Promise<void> {
    if (this.#seen.has(id)) return;
    const values = secretForms({ type, value });
    for (const one of values) this.#values.add(one);
    this.#seen.add(id);
    const [first, ...others] = this.#keys;
    if (first === undefined) return;
    const sealed = JSON.stringify(await seal([first, ...others], id, values));
    this.#rows.do("UPDATE run SET secrets = json_set(secrets, '$.' || ?, json(?))", JSON.stringify(id), sealed);
  }

  get values(): readonly string[] {
    return [...this.#values];
  }

  /** A text without any of them. */
  hide(text: string): string {
    return hideIn(text, this.values);
  }
}

function textsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap(textsIn);
}

/** All texts of a secret, in every form in which they may stand somewhere. */
export const secretForms = ({ type, value }: Pick<Secret, "type" | "value">): string[] => [
  ...textsIn(value).flatMap(formsOf),
  ...(type === "SIMPLE" ? [basicOf(value)] : []),
];

/** As they stand, and as they stand in an address, in base64 and in JSON. */
const formsOf = (text: string): string[] => [
  ...new Set([text, encodeURIComponent(text), base64Of(text), JSON.stringify(text).slice(1, -1)]),
];

const base64Of = (text: string): string => btoa(String.fromCharCode(...new TextEncoder().encode(text)));

const basicOf = ({ username, passphrase }: Secret["value"]): string =>
  base64Of(`${typeof username === "string" ? username : ""}:${typeof passphrase === "string" ? passphrase : ""}`);
