import { buildTapped, root } from "./build.ts";
import { untilSettled } from "./machine.ts";
import { serving } from "./data.ts";
import { byOurSecret, headersOf, routesOf } from "./requests.ts";
import { productObjects, productVars } from "./serve.ts";

const SIZE = 1000;

/** The statements that a Worker sends for one request of each route, by round trip, messages that follow included. */
export async function statementsOf(
  side: "product" | "bare",
  say: (line: string) => void,
): Promise<Map<string, unknown[][]>> {
  const [entry, objects] =
    side === "product"
      ? [`${root}src/index.ts`, productObjects]
      : [`${root}bench/bare/worker.ts`, { OBJECT: "BareObject" }];
  const issuer = byOurSecret();
  const vars = { ...productVars, ...issuer.vars };
  const bundle = buildTapped(entry, Object.values(objects)[0]!, side);
  return serving([{ name: "tapped", bundle, objects, vars }], { size: SIZE, say }, async (server) => {
    const base = `http://127.0.0.1:${server.ports["tapped"]}`;
    const found = new Map<string, unknown[][]>();
    for (const { name, requests } of routesOf(SIZE)) {
      const request = requests[0]!;
      const headers = headersOf(request, await issuer.tokenOf(request.caller));
      const text = request.body === undefined ? {} : { body: JSON.stringify(request.body) };
      const answer = await fetch(base + request.path, { method: request.method, headers, ...text });
      if (!answer.ok) throw new Error(`${side} answered ${name} with ${answer.status}: ${await answer.text()}`);
      await untilSettled(server.pid);
      found.set(name, (await (await fetch(`${base}/__trips`)).json()) as unknown[][]);
    }
    return found;
  });
}
