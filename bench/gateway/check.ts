/** Whether the product does what it is measured for, and the other sides the same call. */
import { callHeaders, pathIn, postBody } from "./apis.ts";
import { answerBody, type Backend, type Taken } from "./backend.ts";
import type { Mix } from "./mixes.ts";
import type { Stage } from "./stage.ts";

interface Came {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
  readonly taken: Taken | undefined;
}

async function call(backend: Backend, url: string, method: string): Promise<Came> {
  await backend.take(true);
  const body = method === "POST" ? { body: postBody } : {};
  const { host: _, ...headers } = callHeaders;
  const answer = await fetch(url, { method, headers, ...body, redirect: "manual" });
  const text = await answer.text();
  const taken = await backend.take(false);
  return { status: answer.status, headers: answer.headers, body: text, taken: taken.at(-1) };
}

/** What is wrong with calls that go straight on, by a proxy at an address. */
export async function faultOfProxy(backend: Backend, origin: string): Promise<string | undefined> {
  const path = pathIn(3, 7);
  for (const method of ["GET", "POST"]) {
    const came = await call(backend, `${origin}${path}`, method);
    const fault = faultOfCall(came, `${method} ${path}`, method);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/** What is wrong with calls of a mix's API: it would be measured, but not for what it says. */
export async function faultOfMix({ server, backend }: Stage, base: string, { seen }: Mix): Promise<string | undefined> {
  const path = pathIn(3, 7);
  const sent = seen.query === undefined ? path : path.replace(/\?.*/, seen.query);
  for (const method of ["GET", "POST"]) {
    const came = await call(backend, `http://127.0.0.1:${server.ports["product"]}/gateway${base}${path}`, method);
    const fault =
      faultOfCall(came, `${method} ${sent}`, method) ??
      faultOfHeaders("The backend got", new Headers(came.taken?.headers), seen.sent) ??
      faultOfHeaders("The caller got", came.headers, seen.told);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function faultOfCall({ status, body, taken }: Came, request: string, method: string): string | undefined {
  if (status !== 200) return `${request} is answered ${status} ${body.slice(0, 200)}`;
  if (taken?.request !== request) return `The backend got ${taken?.request ?? "nothing"}, not ${request}.`;
  if (taken.body !== (method === "POST" ? postBody : "")) return `The backend got another body for ${request}.`;
  return body === answerBody ? undefined : `The caller got another body for ${request}.`;
}

function faultOfHeaders(
  who: string,
  headers: Headers,
  expected: Readonly<Record<string, string | null>> = {},
): string | undefined {
  for (const [name, value] of Object.entries(expected)) {
    if (headers.get(name) !== value) return `${who} ${name}: ${headers.get(name)}, not ${value}.`;
  }
  return undefined;
}
