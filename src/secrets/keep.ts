import type { Config } from "../platform/config.ts";
import { AppError } from "../platform/errors.ts";
import { seal, type Sealed } from "./seal.ts";

/** Seals a value to keep it here, unless this installation keeps secrets elsewhere or has no key for them. */
export async function sealed(config: Config, id: string, value: unknown): Promise<Sealed> {
  if (config.SECRET_SERVICE_BASE_URL !== undefined) {
    const detail = "Store it in the Secret Service of this installation: flows read secrets there.";
    throw new AppError("SECRETS_NOT_KEPT", { detail });
  }
  const [first, ...others] = config.SECRETS_KEY;
  if (first === undefined) throw new AppError("SECRETS_NOT_KEPT", { detail: "The setting SECRETS_KEY is missing." });
  return seal([first, ...others], id, value);
}
