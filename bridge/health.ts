import { createServer, type Server } from "node:http";

import type { Bridge } from "./session.ts";
import { healthOf } from "./state.ts";

/** Serves `/health` (200 if messages can go both ways, else 503) and `/live` (200 as long as the process answers). */
export async function serveHealth({ settings, state, product }: Bridge): Promise<Server | undefined> {
  if (settings.BRIDGE_HEALTH_PORT === 0) return undefined;
  const server = createServer((request, response) => {
    const path = request.url?.split("?", 1)[0];
    const known = request.method === "GET" || request.method === "HEAD";
    const health = known && path === "/health" ? healthOf(state, product) : undefined;
    const isLive = known && path === "/live";
    const status = health === undefined ? (isLive ? 200 : 404) : health.status === "fail" ? 503 : 200;
    response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
    response.end(`${JSON.stringify(health ?? { status: isLive ? "pass" : "not found" })}\n`);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(settings.BRIDGE_HEALTH_PORT, settings.BRIDGE_HEALTH_HOST, resolve);
  });
  return server;
}
