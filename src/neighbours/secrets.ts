import { isHexId } from "../platform/ids.ts";
import { isRecord } from "../platform/shape.ts";
import { ask, HIDDEN, UNANSWERED, VISIBLE, type Reply, type Sight } from "./ask.ts";

/** What the Secret Service lists of somebody's own secrets. */
export type Listed =
  /** Ids in lower case, and those that could not be refreshed; as text, since many are remembered. */
  | { readonly kind: "listed"; readonly ids: string; readonly broken: string }
  /** It lists none, but may answer for single ones. */
  | { readonly kind: "unlisted" }
  | { readonly kind: "unanswered" };

/** The components of the original take the address with the path of its version. */
const rootOf = (base: string): string => `${base.replace(/\/+$/, "").replace(/\/api\/v1$/, "")}/api/v1/secrets`;

/** Lists the first hundred secrets that the holder of the token owns. Unlike a look at one it has no effect. */
export async function listSecrets(base: string, token: string): Promise<Listed> {
  return (await ask(`${rootOf(base)}?page[size]=100&page[number]=1`, token, listIn)) ?? { kind: "unanswered" };
}

async function listIn({ status, json }: Reply): Promise<Listed> {
  if (status === 401) return { kind: "unanswered" };
  const body = status === 200 ? await json() : undefined;
  const data: unknown = isRecord(body) ? body["data"] : undefined;
  if (!Array.isArray(data)) return { kind: "unlisted" };
  const secrets = data
    .filter((entry) => isRecord(entry))
    .filter(({ _id: id }) => typeof id === "string" && isHexId(id));
  const idsOf = (some: typeof secrets) => some.map(({ _id: id }) => String(id).toLowerCase()).join(" ");
  return { kind: "listed", ids: idsOf(secrets), broken: idsOf(secrets.filter((one) => Boolean(one["currentError"]))) };
}

/** What the list says of a secret; undefined if it has to be looked at, as one that the tenant owns. */
export function sightInList(list: Listed, id: string): Sight | undefined {
  if (list.kind === "unanswered") return UNANSWERED;
  if (list.kind === "unlisted" || !list.ids.includes(id)) return undefined;
  return list.broken.includes(id) ? { kind: "visible", isBroken: true } : VISIBLE;
}

/** Asks for one secret, which refreshes it if it is about to expire. Its value is not read. */
export async function lookAtSecret(base: string, token: string, id: string): Promise<Sight> {
  return (await ask(`${rootOf(base)}/${id}`, token, sightIn)) ?? UNANSWERED;
}

function sightIn({ status, isJson }: Reply): Sight {
  // 401 is what an id gets that is none; a token that is not known would have met it at the list.
  if (status === 401 || status === 403 || status === 404) return HIDDEN;
  return status === 200 && isJson ? VISIBLE : UNANSWERED;
}
