import type { MiddlewareHandler } from "hono";

import type { Context, HttpEnv, Neighbours, Reference } from "../identity/context.ts";
import { tokenOf } from "../identity/identify.ts";
import { logError } from "../platform/log.ts";
import { isUnasked, judgementOn } from "./judge.ts";
import { look, nameOf, type Allowance } from "./look.ts";

/** For all questions of a request together. */
const MOST_MS = 3000;

/** Lets a verb ask, in the caller's name, what the caller sees of what flows refer to; where settings say whom to ask. */
export const withNeighbours: MiddlewareHandler<HttpEnv> = async (c, next) => {
  const { context } = c.var;
  const { COMPONENT_REPOSITORY_BASE_URL: components, SECRET_SERVICE_BASE_URL: secrets } = context.config;
  if (components !== undefined || secrets !== undefined) {
    const token = tokenOf(c.req.header("authorization"));
    c.set("context", { ...context, neighbours: neighboursOf(context, { token, components, secrets }) });
  }
  await next();
};

interface Addresses {
  readonly token: string;
  readonly components: string | undefined;
  readonly secrets: string | undefined;
}

function neighboursOf({ now, defer, config, requestId }: Context, addresses: Addresses): Neighbours {
  const left: Allowance = { milliseconds: MOST_MS, questions: new Set() };
  const isAsked = ({ kind }: Reference) => addresses[kind === "component" ? "components" : "secrets"] !== undefined;
  return {
    judge: async (flows) => {
      const asked = flows.map((references) => references.filter(isAsked));
      const seen = await look({ now, defer, ...addresses }, left, {
        components: idsOf("component", asked),
        secrets: idsOf("secret", asked),
      });
      const judged = asked.map((references) => judgementOn(references, (reference) => seen.get(nameOf(reference))));
      const silent = judged.filter(({ unanswered }) => unanswered.some((item) => !isUnasked(item))).length;
      if (silent > 0) logError(config, "neighbour.unanswered", undefined, { requestId, flows: silent });
      return judged;
    },
  };
}

const idsOf = (kind: Reference["kind"], flows: readonly (readonly Reference[])[]): string[] => [
  ...new Set(flows.flatMap((references) => references.filter((one) => one.kind === kind).map(({ id }) => id))),
];
