import type { State } from "./state.ts";

/** How an execution stands that is given up: nothing goes on, and nothing is kept but why. */
export const brokenState = (state: State): State => ({
  ...state,
  threads: {},
  share: {},
  pending: {},
  route: null,
  history: [],
  drafts: {},
  signals: {},
  submitted: null,
  end: {
    status: "failed",
    kind: "error",
    fault: {
      by: "platform",
      code: "EXECUTION_BROKEN",
      message: "The execution broke off again and again at the same place.",
    },
  },
});
