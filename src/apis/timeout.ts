/** A level that may say how long its destination is waited for. */
export interface TimeoutLevel {
  /** As it is told in errors, such as `GET /orders/{id}`. */
  readonly scope: string;
  /** Seconds, or the name of a variable of the environment, plain or as `{{env.NAME}}`. */
  readonly timeout?: unknown;
}

export interface TimeoutFault {
  readonly scope: string;
  readonly message: string;
}

export const DEFAULT_TIMEOUT_MS = 30_000;
const MOST_SECONDS = 3600;

const variable = /^(?:\{\{\s*env\.([A-Za-z_]\w{0,99})\s*\}\}|([A-Za-z_]\w{0,99}))$/;
const decimal = /^\d{1,6}(?:\.\d{1,6})?$/;
const right = `Give seconds from 0.001 to ${MOST_SECONDS}, or the name of a variable such as {{env.TIMEOUT}}.`;

/** What is wrong with a timeout as it is saved; whether its variable exists is seen when it is published. */
export function faultOfTimeout(timeout: unknown): string | undefined {
  if (timeout === undefined || nameIn(timeout) !== undefined) return undefined;
  return isAllowed(timeout) ? undefined : `${kindOf(timeout)} is no timeout. ${right}`;
}

/** What is wrong with any of the levels in an environment. */
export function faultsOfTimeouts(
  levels: readonly TimeoutLevel[],
  variables: Readonly<Record<string, unknown>>,
): TimeoutFault[] {
  return levels.flatMap(({ scope, timeout }) => {
    const said = timeout === undefined ? DEFAULT_TIMEOUT_MS : millisecondsOf(timeout, variables);
    return typeof said === "number" ? [] : [{ scope, message: `The timeout of ${scope}: ${said}` }];
  });
}

/** How long a destination is waited for: as the first level says that says anything. The most specific one is first. */
export function timeoutOf(
  levels: readonly TimeoutLevel[],
  variables: Readonly<Record<string, unknown>>,
): { readonly ms: number; readonly scope?: string } | { readonly fault: TimeoutFault } {
  const level = levels.find(({ timeout }) => timeout !== undefined);
  if (level === undefined) return { ms: DEFAULT_TIMEOUT_MS };
  const [fault] = faultsOfTimeouts([level], variables);
  if (fault !== undefined) return { fault };
  return { ms: Number(millisecondsOf(level.timeout, variables)), scope: level.scope };
}

/** Milliseconds, or what is wrong. The value of a variable is not told. */
function millisecondsOf(timeout: unknown, variables: Readonly<Record<string, unknown>>): number | string {
  const name = nameIn(timeout);
  if (name === undefined) return faultOfTimeout(timeout) ?? inMilliseconds(Number(timeout));
  if (!Object.hasOwn(variables, name)) return `the environment has no variable ${name}. ${right}`;
  const written = variables[name];
  const value = typeof written === "string" && decimal.test(written.trim()) ? Number(written) : written;
  return isAllowed(value)
    ? inMilliseconds(value)
    : `the variable ${name} holds no number of seconds from 0.001 to ${MOST_SECONDS}. Change its value.`;
}

function nameIn(timeout: unknown): string | undefined {
  const [, braced, plain] = typeof timeout === "string" ? (variable.exec(timeout) ?? []) : [];
  return braced ?? plain;
}

const isAllowed = (value: unknown): value is number =>
  typeof value === "number" && value >= 0.001 && value <= MOST_SECONDS;

const inMilliseconds = (seconds: number): number => Math.round(seconds * 1000);

const kindOf = (timeout: unknown): string =>
  typeof timeout === "number" ? String(timeout) : timeout === null ? "null" : `This ${typeof timeout}`;
