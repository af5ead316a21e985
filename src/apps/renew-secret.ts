import type { Context } from "../identity/context.ts";
import type { Told } from "./create-app.ts";
import { parsed } from "./findings.ts";
import { AppSecretInput } from "./model.ts";
import { hashOfSecret, MOST_SECRETS, newSecret } from "./secret.ts";
import { changeApp } from "./update-app.ts";

/** Gives an app another secret. Unless the present one is kept, all that was had with earlier ones is void at once. */
export async function renewSecret(ctx: Context, id: string, body: unknown): Promise<Told> {
  const { keep } = parsed(AppSecretInput, body, "The body");
  const clientSecret = newSecret();
  const hash = await hashOfSecret(clientSecret);
  const row = await changeApp(ctx, { id }, ({ secret_hashes: present }) =>
    keep
      ? { secretHashes: [hash, ...(JSON.parse(present) as string[])].slice(0, MOST_SECRETS) }
      : { secretHashes: [hash], tokensFrom: ctx.now() },
  );
  return { row, clientSecret };
}
