import { tokenOf } from "./ask.ts";
import { serveHealth } from "./health.ts";
import { logAs } from "./log.ts";
import { queuesProduct } from "./queues-product.ts";
import { keepConnected, type Bridge } from "./session.ts";
import { settingsIn, type Settings } from "./settings.ts";
import { State } from "./state.ts";
import { workerProduct } from "./worker-product.ts";

const settings = settingsOrEnd();
const log = logAs(settings.LOG_LEVEL);
const product = settings.BRIDGE_VIA === "queues" ? queuesProduct(settings) : workerProduct(settings);
const bridge: Bridge = { settings, product, state: new State(), log };

const stop = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) {
  process.on(name, () => {
    log.info("bridge.stopping", { signal: name });
    stop.abort();
  });
}

const health = await serveHealth(bridge).catch((error: unknown) => {
  log.error("health.failed", error, { BRIDGE_HEALTH_PORT: settings.BRIDGE_HEALTH_PORT });
  process.exit(1);
});
log.info("bridge.started", {
  via: settings.BRIDGE_VIA,
  queue: settings.BRIDGE_QUEUE,
  healthPort: settings.BRIDGE_HEALTH_PORT,
});
await keepConnected(bridge, stop.signal);
health?.close();
log.info("bridge.stopped", { published: bridge.state.published, delivered: bridge.state.delivered });

/** A bridge that cannot begin says what it needs. */
function settingsOrEnd(): Settings {
  try {
    const read = settingsIn(process.env);
    // A file that is not there, or holds no token, is known now.
    tokenOf(read);
    return read;
  } catch (error) {
    process.stderr.write(`The bridge cannot start:\n${(error as Error).message}\nSee docs/switch-over.md.\n`);
    return process.exit(1);
  }
}
