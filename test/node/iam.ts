import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo, Socket } from "node:net";

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Told {
  readonly status?: number;
  /** As JSON, or a text as it is. */
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  readonly afterMs?: number;
}

/** An identity management that tells of tokens what it was told to, and takes down who asked how. */
export async function standInIam() {
  const told = new Map<string, Told>();
  const asked: Asked[] = [];
  const open = new Map<string, Socket>();
  let isDown = false;
  let tokens = 0;

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let body = "";
    for await (const chunk of request) body += String(chunk);
    const { method = "", url: path = "", headers } = request;
    asked.push({ method, path, headers, body });
    if (isDown) return void request.socket.destroy();
    const { socket } = request;
    const isForm = headers["content-type"] === "application/x-www-form-urlencoded";
    const token = isForm ? new URLSearchParams(body).get("token") : (JSON.parse(body) as { token: string }).token;
    open.set(token ?? "", socket);
    const { status = 200, body: tells, headers: more = {}, afterMs = 0 } = told.get(token ?? "") ?? { status: 404 };
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    const isText = typeof tells === "string";
    response.writeHead(status, { "content-type": isText ? "text/html" : "application/json", ...more });
    response.end(isText ? tells : JSON.stringify(tells ?? { message: "" }));
  };
  const server = createServer((request, response) => void handle(request, response));
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });

  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** A token of which it tells this. */
    tokenOf: (tells: Told): string => {
      tokens += 1;
      const token = `opaque-token-${tokens}.`;
      told.set(token, tells);
      return token;
    },
    tell: (token: string, tells: Told) => told.set(token, tells),
    askedAbout: (...of: string[]): Asked[] => asked.filter(({ body }) => of.some((token) => body.includes(token))),
    /** Takes no question any more, and hangs up on those who wait for an answer about these tokens. */
    goDown: (...of: string[]) => {
      isDown = true;
      for (const token of of) open.get(token)?.destroy();
    },
    comeBack: () => (isDown = false),
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
export type StandInIam = Awaited<ReturnType<typeof standInIam>>;

interface User {
  readonly sub?: unknown;
  readonly tenant?: unknown;
  readonly permissions: unknown;
}
type Next = (refusal?: { readonly status: number; readonly message: string }) => void;
type Middleware = (request: { headers: Record<string, string>; user?: User }, response: object, next: Next) => unknown;

/** What its own declarations leave out. */
interface IamUtils {
  readonly middleware: Middleware;
  readonly can: (permissions: string[]) => Middleware;
  readonly hasAll: (asked: { user: User; requiredPermissions: string[] }) => boolean;
  readonly PERMISSIONS: Record<"common" | "restricted", Record<string, string>>;
}

/** The original library. It reads its settings from the environment when it is loaded. */
export function iamUtils(settings: Record<string, string>): IamUtils {
  Object.assign(process.env, settings, { LOG_LEVEL: "none" });
  return createRequire(import.meta.url)("@openintegrationhub/iam-utils") as IamUtils;
}

/** Who somebody is taken for, if they may write, and what they may do; or why they are sent away. */
export type Verdict =
  | { readonly refused: string }
  | { readonly sub?: unknown; readonly tenant?: unknown; readonly may: readonly string[] };

/** What the original library makes of a request. */
export async function verdictOf(
  library: IamUtils,
  headers: Record<string, string>,
  permissions: readonly string[],
): Promise<Verdict> {
  const request: { headers: Record<string, string>; user?: User } = { headers };
  const refusalBy = async (middleware: Middleware) => {
    let refusal: Parameters<Next>[0];
    await middleware(request, {}, (given) => (refusal = given));
    return refusal;
  };
  const refusal = await refusalBy(library.middleware);
  if (refusal !== undefined) return { refused: `${refusal.status} ${refusal.message}` };
  const may: string[] = [];
  for (const name of permissions) if ((await refusalBy(library.can([name]))) === undefined) may.push(name);
  const { sub, tenant } = request.user!;
  return may.includes("flows.write") ? { sub, tenant: tenant ?? undefined, may } : { may };
}
