import type { Secret } from "./open.ts";

/** Headers by which a call shows a secret, as its type has it; none for a type that says nothing of calls. */
export function authorizationOf(secret: Secret | undefined): Record<string, string> {
  const value = secret?.value;
  const text = (name: string): string | undefined => (typeof value?.[name] === "string" ? value[name] : undefined);
  switch (secret?.type) {
    case "SIMPLE": {
      const pair = new TextEncoder().encode(`${text("username") ?? ""}:${text("passphrase") ?? ""}`);
      return { authorization: `Basic ${btoa(String.fromCharCode(...pair))}` };
    }
    case "API_KEY":
      return { [(text("headerName") ?? "x-api-key").toLowerCase()]: text("key") ?? "" };
    case "OA2_AUTHORIZATION_CODE":
      return { authorization: `Bearer ${text("accessToken") ?? ""}` };
    default:
      return {};
  }
}
