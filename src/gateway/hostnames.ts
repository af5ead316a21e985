import { configOf } from "../platform/config.ts";

const known = new WeakMap<Env, ReadonlyMap<string, (home: string) => boolean>>();

/** Host names that lead to the gateway, and whose APIs may stand there: of the setting `name`, everybody's; of `name=owner`, that owner's. */
export function hostnamesOf(env: Env): ReadonlyMap<string, (home: string) => boolean> {
  const found = known.get(env);
  if (found !== undefined) return found;
  const names = new Map(
    settingOf(env).map((entry): [string, (home: string) => boolean] => {
      const [name = "", owner] = entry.split("=");
      return [name.toLowerCase(), (home) => owner === undefined || owner === home];
    }),
  );
  known.set(env, names);
  return names;
}

/** Whoever asks next is told what is wrong with the settings. */
function settingOf(env: Env): readonly string[] {
  try {
    return configOf(env).GATEWAY_HOSTNAMES;
  } catch {
    return [];
  }
}
