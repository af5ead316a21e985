import { Answers, inTime, type By } from "../identity/answers.ts";
import { keyOfToken } from "../identity/memory.ts";
import { UNASKED, type Sight } from "./ask.ts";
import { lookAtComponent } from "./components.ts";
import { listSecrets, lookAtSecret, sightInList, type Listed } from "./secrets.ts";

/** For so long answers are believed; an outage only so long that it does not hold up every save. */
const LASTS_MS = { visible: 60_000, hidden: 5000, unanswered: 2000, listed: 60_000, unlisted: 5000 } as const;
const lastsMs = ({ kind }: { kind: keyof typeof LASTS_MS }): number => LASTS_MS[kind];
/** Questions that one request may ask. */
export const MOST_QUESTIONS = 200;
/** Longer than a neighbour is waited for. */
const PATIENCE_MS = 3000;
/** The platform opens no more connections for a request; what waits for one would be timed meanwhile. */
const MOST_AT_ONCE = 6;

const sights = new Answers<Sight>();
const lists = new Answers<Listed>();

/** Who asks, where. A neighbour without an address is not asked. */
export interface Asking extends By {
  readonly token: string;
  readonly components: string | undefined;
  readonly secrets: string | undefined;
}

/** What a request may still ask, and what it was to ask already. */
export interface Allowance {
  milliseconds: number;
  readonly questions: Set<string>;
}

/** Sights by kind and id; what is not among them is not known. */
export type Seen = Map<string, Sight | typeof UNASKED>;
export const nameOf = ({ kind, id }: { readonly kind: "component" | "secret"; readonly id: string }): string =>
  `${kind} ${id}`;

/** Looks at components and secrets, each once, within what the request may still ask. */
export async function look(
  by: Asking,
  left: Allowance,
  wanted: { readonly components: readonly string[]; readonly secrets: readonly string[] },
): Promise<Seen> {
  const hasBoth = wanted.components.length > 0 && wanted.secrets.length > 0;
  const round = new Round(by, left, hasBoth ? MOST_AT_ONCE / 2 : MOST_AT_ONCE);
  const began = by.now();
  const all = Promise.all([round.lookAtComponents(wanted.components), round.lookAtSecrets(wanted.secrets)]);
  await (round.isOver ? all : inTime(left.milliseconds, all, () => undefined));
  round.isOver = true;
  left.milliseconds -= by.now() - began;
  return round.seen;
}

class Round {
  readonly seen: Seen = new Map();
  /** Then nothing more is asked; what is under way is remembered for others. */
  isOver: boolean;
  readonly #by: Asking;
  readonly #left: Allowance;
  /** How many questions each neighbour is asked at a time. */
  readonly #lanes: number;

  constructor(by: Asking, left: Allowance, lanes: number) {
    this.#by = by;
    this.#left = left;
    this.#lanes = lanes;
    this.isOver = left.milliseconds <= 0;
  }

  async lookAtComponents(ids: readonly string[]): Promise<void> {
    const { token, components: base } = this.#by;
    if (base === undefined || ids.length === 0) return;
    const holder = await keyOfToken(["component", base], token);
    await this.#eachUnknown(holder, "component", ids, (id) => lookAtComponent(base, token, id));
  }

  async lookAtSecrets(ids: readonly string[]): Promise<void> {
    const { token, secrets: base } = this.#by;
    if (base === undefined || ids.length === 0) return;
    const holder = await keyOfToken(["secret", base], token);
    const unknown = this.#withoutKnown(holder, "secret", ids);
    if (unknown.length === 0) return;
    if (lists.get(holder, this.#by.now()) === undefined) {
      if (!this.#isAllowed("list of secrets")) return this.#leave("secret", unknown);
      if (this.isOver) return;
    }
    const question = { ask: () => listSecrets(base, token), lastsMs, patienceMs: PATIENCE_MS };
    const list = await lists.ask(holder, this.#by, question);
    const unlisted = unknown.filter((id) => {
      const sight = sightInList(list, id);
      if (sight !== undefined) this.seen.set(nameOf({ kind: "secret", id }), sight);
      return sight === undefined;
    });
    await this.#eachUnknown(holder, "secret", unlisted, (id) => lookAtSecret(base, token, id));
  }

  #withoutKnown(holder: string, kind: "component" | "secret", ids: readonly string[]): string[] {
    return ids.filter((id) => {
      const known = sights.get(`${holder} ${id}`, this.#by.now());
      if (known !== undefined) this.seen.set(nameOf({ kind, id }), known);
      return known === undefined;
    });
  }

  async #eachUnknown(
    holder: string,
    kind: "component" | "secret",
    ids: readonly string[],
    ask: (id: string) => Promise<Sight>,
  ): Promise<void> {
    const unknown = this.#withoutKnown(holder, kind, ids);
    // Decided before anything is asked: else a slow neighbour would make an outage of what is too much.
    const allowed = new Set(unknown.filter((id) => this.#isAllowed(nameOf({ kind, id }))));
    const beyond = unknown.filter((id) => !allowed.has(id));
    this.#leave(kind, beyond);
    // All lanes draw from the one iterator.
    const waiting = allowed.values();
    const lane = async () => {
      for (const id of waiting) {
        if (this.isOver) return;
        const question = { ask: () => ask(id), lastsMs, patienceMs: PATIENCE_MS };
        this.seen.set(nameOf({ kind, id }), await sights.ask(`${holder} ${id}`, this.#by, question));
      }
    };
    await Promise.all(Array.from({ length: this.#lanes }, lane));
  }

  #isAllowed(name: string): boolean {
    const { questions } = this.#left;
    if (questions.size < MOST_QUESTIONS) questions.add(name);
    return questions.has(name);
  }

  #leave(kind: "component" | "secret", ids: readonly string[]): void {
    for (const id of ids) this.seen.set(nameOf({ kind, id }), UNASKED);
  }
}
