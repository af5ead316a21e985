/** How far an execution may go. */
export const MOST = {
  commandsOfEvent: 10_000,
  commands: 100_000,
  /** Rounds of a loop that says nothing. */
  rounds: 1000,
  frames: 1000,
  /** Routes to which one can go back. */
  history: 100,
  /** Functions of clients that are kept. */
  called: 50,
  /** Async commands at work. */
  async: 50,
  /** Functions within functions. */
  calls: 20,
  /** Steps of all expressions of one event, and of what is done with their results; about a microsecond each. */
  steps: 1_000_000,
  /** Size of the attributes of a thread with what is shared, and of what comes from outside. */
  attributes: 1_048_576,
  /** Size of what is kept without the history, of that while an event is worked on, and of the history. */
  state: 4_194_304,
  working: 6_291_456,
  shown: 16_777_216,
  /** Size of what the lines of one event hold. */
  told: 4_194_304,
  /** Levels of a value that comes from outside. */
  depth: 200,
  lines: 2000,
} as const;
