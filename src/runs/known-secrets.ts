import type { Config } from "../platform/config.ts";
import { hexOf } from "../platform/ids.ts";
import { seal, unseal, type Sealed } from "../secrets/seal.ts";
import type { Secret } from "../secrets/open.ts";
import { sealedIn } from "./journal-read.ts";
import { hideIn } from "../secrets/mask.ts";
import type { Rows } from "./rows.ts";

/**
 * The values of secrets that a run was given, so that they can be hidden wherever it shows something. They are kept
 * sealed, each set in a place of its own, since a secret may be renewed while the run goes on; where there is no key to
 * seal them with, they are known only as long as the object is awake.
 */
export class KnownSecrets {
  readonly #rows: Rows;
  readonly #keys: Config["SECRETS_KEY"];
  readonly #values = new Set<string>();
  /** Places whose values are known. */
  readonly #seen = new Set<string>();
  #isWhole = true;

  constructor(rows: Rows, config: Config) {
    this.#rows = rows;
    this.#keys = config.SECRETS_KEY;
  }

  /** Whether all could be recalled; with a key that was taken away some are lost, and nothing can be shown safely. */
  get areWhole(): boolean {
    return this.#isWhole;
  }

  /** Recalls what the run was given before. */
  async recall(): Promise<void> {
    for (const [place, sealed] of setsIn(this.sealed)) {
      if (this.#seen.has(place)) continue;
      const values = await this.#opened(place, sealed);
      this.#isWhole &&= values !== undefined;
      this.#note(place, values ?? []);
    }
  }

  /** Values that messages of another run brought along. What is known already is not kept twice, however many bring it. */
  async adopt(secrets: string | undefined): Promise<void> {
    if (secrets === undefined || secrets === "{}") return;
    await this.recall();
    for (const [place, sealed] of setsIn(secrets)) {
      if (this.#seen.has(place)) continue;
      const values = await this.#opened(place, sealed);
      this.#isWhole &&= values !== undefined;
      if (values === undefined || !this.#knows(values)) this.#keep(place, sealed);
      this.#note(place, values ?? []);
    }
  }

  /** All of them, sealed, as JSON. */
  get sealed(): string {
    return sealedIn(this.#rows);
  }

  async learn({ id, type, value }: Secret): Promise<void> {
    const values = secretForms({ type, value });
    if (this.#knows(values)) return;
    const [first, ...others] = this.#keys;
    const place = `${id}-${hexOf(crypto.getRandomValues(new Uint8Array(8)))}`;
    if (first !== undefined) {
      const sealed = await seal([first, ...others], place, values);
      // Another message may have learnt the same meanwhile.
      if (this.#knows(values)) return;
      this.#keep(place, sealed);
    }
    this.#note(place, values);
  }

  #knows(values: readonly string[]): boolean {
    return values.every((value) => this.#values.has(value));
  }

  #note(place: string, values: readonly string[]): void {
    for (const value of values) this.#values.add(value);
    this.#seen.add(place);
  }

  #keep(place: string, sealed: Sealed): void {
    const text = "UPDATE run SET secrets = json_set(secrets, '$.' || ?, json(?))";
    this.#rows.do(text, JSON.stringify(place), JSON.stringify(sealed));
  }

  async #opened(place: string, sealed: Sealed): Promise<readonly string[] | undefined> {
    const opened = await unseal(this.#keys, place, sealed);
    return opened.ok ? (opened.value as string[]) : undefined;
  }

  get values(): readonly string[] {
    return [...this.#values];
  }

  /** A text without any of them. */
  hide(text: string): string {
    return hideIn(text, this.values);
  }
}

const setsIn = (sealed: string): [place: string, sealed: Sealed][] =>
  Object.entries(JSON.parse(sealed) as Record<string, Sealed>);

/** A number stands in a text as in JSON. */
function textsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (typeof value === "number") return [String(value)];
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap(textsIn);
}

/** All texts and numbers of a secret, in every form in which they may stand somewhere. */
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
