/** The product, the bare proxy and tools in one process, with the backend beside them. */
import { buildOther } from "../build.ts";
import { ask, prepareOn } from "../data.ts";
import type { Client } from "../load.ts";
import { secret } from "../requests.ts";
import { productObjects, productVars, removeFolder, type Server, type WorkerSource } from "../serve.ts";
import { SIZE, storing, subscribing, type Statement, type Stood } from "./apis.ts";
import type { Backend } from "./backend.ts";

export interface Stage {
  readonly server: Server;
  readonly client: Client;
  readonly backend: Backend;
}

/** The product, which may call the backend on this machine. */
export const productWith = (bundle: string, logLevel: string): WorkerSource => ({
  name: "product",
  bundle,
  objects: productObjects,
  vars: { ...productVars, HTTP_ALLOW_PRIVATE: "true", IAM_JWT_SECRET: secret, LOG_LEVEL: logLevel },
});

/** Statements that go to the database at once. */
const AT_ONCE = 100;

async function store(server: Server, statements: readonly Statement[]): Promise<void> {
  for (let from = 0; from < statements.length; from += AT_ONCE) {
    await ask(server, statements.slice(from, from + AT_ONCE));
  }
}

/** Workers on a database in which the APIs are live; they can be started again and again. */
export async function prepared(product: WorkerSource, apis: readonly Stood[], backend: Backend) {
  const bare = { name: "bare", bundle: buildOther("gateway"), objects: {}, vars: { BACKEND: backend.origin } };
  const workers = [product, bare, { name: "tools", bundle: buildOther("tools"), objects: {} }];
  const { folder, start } = await prepareOn(workers, { size: SIZE, say: () => undefined });
  const server = await start();
  await store(server, [...subscribing(), ...storing(apis, backend.origin)]);
  await server.end();
  return { start, remove: () => removeFolder(folder) };
}

/** Serves the APIs for as long as something is done with them. */
export async function staging<T>(
  product: WorkerSource,
  apis: readonly Stood[],
  { client, backend }: Omit<Stage, "server">,
  run: (stage: Stage) => Promise<T>,
): Promise<T> {
  const { start, remove } = await prepared(product, apis, backend);
  const server = await start();
  try {
    return await run({ server, client, backend });
  } finally {
    await server.end();
    remove();
  }
}
