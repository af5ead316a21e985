import type { Judgement, Reference } from "../identity/context.ts";
import { errorItem, type ErrorItem } from "../platform/errors.ts";
import type { Sight, UNASKED } from "./ask.ts";
import { MOST_QUESTIONS } from "./look.ts";

type Looked = Sight | typeof UNASKED;

const nouns = {
  component: {
    error: "COMPONENT_NOT_VISIBLE",
    service: "The Component Repository",
    detail: "Name a component that the Component Repository shows you, or have its owner make it public.",
  },
  secret: {
    error: "SECRET_NOT_VISIBLE",
    service: "The Secret Service",
    detail: "Name a secret that you or your tenant own in the Secret Service.",
  },
} as const;

const MOST_NAMES = 20;

/** What is said of a flow's references by what the caller sees. What does not exist is told as what is kept from them. */
export function judgementOn(
  references: readonly Reference[],
  sightOf: (reference: Reference) => Looked | undefined,
): Judgement {
  const seen = references.map((reference) => ({ reference, sight: sightOf(reference) }));
  return {
    hidden: seen.filter(({ sight }) => sight?.kind === "hidden").map(({ reference }) => hiddenItem(reference)),
    warnings: seen.flatMap(({ reference, sight }) => (sight?.kind === "visible" ? doubtsAbout(reference, sight) : [])),
    unanswered: [
      ...unaskedItem(seen.filter(({ sight }) => sight?.kind === "unasked").map(({ reference }) => reference)),
      ...(["component", "secret"] as const).flatMap((kind) => {
        const silent = seen.filter(({ reference, sight }) => reference.kind === kind && isUnanswered(sight));
        return unansweredItem(
          kind,
          silent.map(({ reference }) => reference),
        );
      }),
    ],
  };
}

const TOO_MANY = "TOO_MANY_REFERENCES";
/** Whether it is told of what was too much to ask; of all else that is not answered a neighbour is the cause. */
export const isUnasked = ({ error }: Pick<ErrorItem, "error">): boolean => error === TOO_MANY;

/** One for all, at the first place. */
function unaskedItem([first, ...others]: readonly Reference[]) {
  if (first === undefined) return [];
  const places = others.length === 0 ? "1 place was" : `${others.length + 1} places were`;
  const message = "The flow refers to more than can be checked at once.";
  const detail = `${places} not checked: one request asks for ${MOST_QUESTIONS} components and secrets at most.`;
  return [{ message, code: 400, error: TOO_MANY, pointer: first.pointer, detail }];
}

const isUnanswered = (sight: Looked | undefined): boolean => sight === undefined || sight.kind === "unanswered";

function hiddenItem({ kind, id, pointer }: Reference) {
  const { error, detail } = nouns[kind];
  return { message: `You cannot see the ${kind} ${id}.`, code: 400, error, pointer, detail };
}

/** One for all, at the first place: a neighbour that is down says nothing of any. */
function unansweredItem(kind: Reference["kind"], silent: readonly Reference[]) {
  const [first] = silent;
  if (first === undefined) return [];
  const steps = silent.length === 1 ? "1 step was" : `${silent.length} steps were`;
  const detail = `${nouns[kind].service} did not answer in time; ${steps} not checked.`;
  return [{ ...errorItem("NEIGHBOUR_UNAVAILABLE", { detail }), pointer: first.pointer }];
}

function doubtsAbout({ pointer, called }: Reference, { functions, isBroken }: Sight & { kind: "visible" }) {
  const isUnknown = called !== undefined && functions !== undefined && !functions.includes(called.name);
  return [
    ...(isUnknown
      ? [
          {
            message: "The component does not tell of this function.",
            code: 400,
            error: "FUNCTION_UNKNOWN",
            pointer: called.pointer,
            detail: `It tells of ${functions
              .slice(0, MOST_NAMES)
              .map((name) => name.slice(0, 100))
              .join(", ")}.`,
          },
        ]
      : []),
    ...(isBroken === true
      ? [
          {
            message: "The secret could not be refreshed the last time.",
            code: 400,
            error: "SECRET_BROKEN",
            pointer,
            detail: "Authorize it anew in the Secret Service.",
          },
        ]
      : []),
  ];
}
