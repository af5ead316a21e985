import type { Answer, Call, Caller } from "../support/api.ts";
import { newId } from "../support/given.ts";
import { replaceNetwork, unique, type Asked } from "../support/iam.ts";

type Reply = Response | Promise<Response>;

export interface Replies {
  readonly component?: (id: string) => Reply;
  readonly secret?: (id: string) => Reply;
  readonly list?: () => Reply;
}

export const component = (more: Record<string, unknown> = {}): Response =>
  Response.json({ data: { name: "CRM", access: "public", ...more }, meta: {} });
export const listOf = (...secrets: (string | Record<string, unknown>)[]): Response =>
  Response.json({ data: secrets.map((one) => (typeof one === "string" ? { _id: one } : one)), meta: { total: 1 } });
export const secret = (): Response => Response.json({ data: { type: "API_KEY", value: { key: "***" } } });
export const refused = (status: number, body: object = { message: "" }): (() => Response) => {
  return () => Response.json(body, { status });
};

/** A Component Repository and a Secret Service that no other test asks; unless said otherwise they show everything. */
export function standIns({ component: one = () => component(), secret: of = secret, list = listOf }: Replies = {}) {
  const host = `${unique("n")}.example`;
  const settings = {
    COMPONENT_REPOSITORY_BASE_URL: `http://components.${host}:1234`,
    SECRET_SERVICE_BASE_URL: `http://secrets.${host}:3000`,
  };
  const asked: Asked[] = [];
  const answer = (sent: Asked): Reply => {
    asked.push(sent);
    const { pathname } = new URL(sent.url);
    const id = pathname.split("/").at(-1)!;
    if (pathname.startsWith("/components/")) return one(id);
    return pathname === "/api/v1/secrets" ? list() : of(id);
  };
  return {
    settings,
    asked,
    answer,
    /** What was asked, in short. */
    questions: () => asked.map(({ url }) => new URL(url).pathname),
  };
}

/** The same in place of the network. */
export function neighbours(replies: Replies = {}) {
  const made = standIns(replies);
  replaceNetwork(made.answer);
  return made;
}

export interface Step {
  readonly component?: string;
  readonly secret?: string;
  readonly function?: string;
}

/** A flow of such steps, one after the other. */
export const flowWith = (...steps: readonly Step[]) => ({
  name: "Orders",
  graph: {
    nodes: steps.map(({ component: componentId, secret: credentials, function: called }, at) => ({
      id: `step_${at}`,
      ...(componentId === undefined ? {} : { componentId }),
      ...(called === undefined ? {} : { function: called }),
      ...(credentials === undefined ? {} : { credentials_id: credentials }),
    })),
    edges: steps.slice(1).map((_, at) => ({ source: `step_${at}`, target: `step_${at + 1}` })),
  },
});

export const save = (caller: Caller, body: unknown, env: Record<string, unknown>, more: Call = {}): Promise<Answer> =>
  caller.call("addFlow", { body, env, ...more });

/** Findings in short: what, and where. */
export const inShort = (items: { error: string; pointer?: string }[] | undefined): string[] =>
  (items ?? []).map(({ error, pointer }) => `${error} ${pointer}`);

/** Errors, or else warnings, of an answer. */
export const toldBy = ({ body }: Answer): string[] => inShort(body.errors ?? body.meta?.warnings);

export const enforced = { CHECKS: "enforce" };

/** A flow that nobody was asked about. */
export async function stored(caller: Caller, body: unknown): Promise<string> {
  const answer = await caller.call("addFlow", { body });
  if (answer.status !== 201) throw new Error(JSON.stringify(answer.body));
  return answer.body.data.id as string;
}

export const ids = (count: number): string[] => Array.from({ length: count }, newId);
