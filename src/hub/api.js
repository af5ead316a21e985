/** @import { Fields } from "../workflows/fields.ts" */
/**
 * @typedef {object} Route
 * @property {string} uuid
 * @property {string} uri
 * @property {boolean} terminal
 * @property {boolean} backEnabled
 * @property {unknown} [export]
 * @property {unknown} [payload]
 * @property {Fields} [validate]
 * @property {string} [name]
 */
/** @typedef {{ field: string, message: string }} FieldError */
/** @typedef {{ uuid: string, token: string, input: string, steps: number, route?: string }} Session */
/** @typedef {{ token?: string | undefined, body?: unknown, signal?: AbortSignal }} Sending */
/** @typedef {{ status: number, body: any, wait: number }} Answer */

/** What the service refuses with, in words for people. */
export class Refused extends Error {
  /**
   * @param {number} status 0 when it was not reached
   * @param {{ title?: string, code?: string, detail?: string, errors?: FieldError[] }} body
   */
  constructor(status, { title, code, detail, errors }) {
    super(title ?? "The service cannot be reached. Check your connection and try again.");
    this.status = status;
    this.code = code ?? "";
    this.detail = detail;
    this.errors = errors;
  }

  /** Whether the same may go well later. */
  get mayPass() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }

  /** Whether there is nothing to go on with. */
  get isGone() {
    return ["TOKEN_INVALID", "EXECUTION_NOT_FOUND", "INVALID_UUID"].includes(this.code);
  }
}

/**
 * Calls the service; what is not a success is thrown.
 *
 * @param {string} method
 * @param {string} path
 * @param {Sending} [sending]
 * @returns {Promise<Answer>}
 */
export async function call(method, path, { token, body, signal } = {}) {
  /** @type {Record<string, string>} */
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const isForm = body instanceof FormData;
  if (body !== undefined && !isForm) headers["content-type"] = "application/json";
  const sent = isForm ? body : JSON.stringify(body);
  const answer = await fetch(path, {
    method,
    headers,
    ...(sent === undefined ? {} : { body: sent }),
    ...(signal === undefined ? {} : { signal }),
  }).catch((error) => {
    throw signal?.aborted ? error : new Refused(0, {});
  });
  const read = await answer.json().catch(() => undefined);
  if (!answer.ok || read === undefined) {
    const title = `The service does not answer as it should (${answer.status}).`;
    throw new Refused(answer.ok ? 0 : answer.status, { title, ...read });
  }
  const wait = Number(answer.headers.get("retry-after"));
  return { status: answer.status, body: read, wait: Math.min(Math.max(wait || 1, 1), 60) * 1000 };
}

/** @param {number} ms */
export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * The execution that this tab has begun by this name. A browser may forbid its storage; then it lasts until a reload.
 *
 * @param {string} name
 * @returns {Session | undefined}
 */
export function recall(name) {
  try {
    return JSON.parse(sessionStorage.getItem(`hub:${name}`) ?? "null") ?? undefined;
  } catch {
    return undefined;
  }
}

/**
 * @param {string} name
 * @param {Session | undefined} session
 */
export function remember(name, session) {
  try {
    if (session === undefined) sessionStorage.removeItem(`hub:${name}`);
    else sessionStorage.setItem(`hub:${name}`, JSON.stringify(session));
  } catch {
    // See recall.
  }
}
