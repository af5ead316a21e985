import { refusalOfAddress, refusalOfForm } from "../connectors/address.ts";
import type { Config } from "../platform/config.ts";

/** Why an address cannot be the endpoint of a component. */
export function refusalOfEndpoint(text: string, config: Pick<Config, "HTTP_ALLOW_PRIVATE">): string | undefined {
  const url = URL.parse(text);
  if (url === null) return "It is no address. Use one such as https://component.example.com/process.";
  if (config.HTTP_ALLOW_PRIVATE === "true") return refusalOfForm(url);
  if (url.protocol !== "https:") return "Messages go over https alone. Use an address that begins with https://.";
  return refusalOfAddress(url);
}

/** The service that a binding of the Worker leads to; none for other bindings, whatever their name. */
export function serviceOf(env: Env, binding: string): Fetcher | undefined {
  const found = Object.hasOwn(env, binding) ? (env as unknown as Record<string, unknown>)[binding] : undefined;
  return typeof (found as Partial<Fetcher> | undefined)?.fetch === "function" ? (found as Fetcher) : undefined;
}
