import type { Context } from "../identity/context.ts";
import { bytesOf } from "../messages/model.ts";
import { AppError, errorItem, type ErrorItem } from "../platform/errors.ts";
import { checkerOf } from "./field-schema.ts";
import { mappedEntry } from "./list.ts";
import {
  ComponentInput,
  MOST_FUNCTION_BYTES,
  type ComponentEntry,
  type ComponentFunction,
  type MappedComponent,
} from "./model.ts";
import { refusalOfEndpoint, serviceOf } from "./place.ts";
import { deleteMapped, putMapped } from "./store.ts";

/** Says where the component of an id is; what was said before is forgotten. */
export async function mapComponent(env: Env, ctx: Context, id: string, body: unknown): Promise<ComponentEntry> {
  const parsed = ComponentInput.safeParse(body);
  if (!parsed.success) {
    throw refused(parsed.error.issues.map(({ path, message }) => fault(path, message)));
  }
  const { name, description = null, endpoint = null, binding = null, functions, secret } = parsed.data;
  const address = endpoint === null ? undefined : refusalOfEndpoint(endpoint, ctx.config);
  const faults = [
    ...(address === undefined ? [] : [fault(["endpoint"], address)]),
    ...(binding === null || serviceOf(env, binding) ? [] : [fault(["binding"], noService(binding))]),
    ...faultsOfFunctions(functions),
  ];
  if (faults.length > 0) throw refused(faults);
  const updatedAt = ctx.now();
  const mapped: MappedComponent = {
    id: id.toLowerCase(),
    name,
    description,
    endpoint,
    binding,
    secret,
    functions,
    updatedAt,
  };
  await putMapped(ctx.db, mapped);
  return mappedEntry(mapped, ctx.actor);
}

/** Forgets where a component is. Flows that use it cannot be started from then on, and steps under way fail. */
export async function unmapComponent(ctx: Context, id: string): Promise<void> {
  if (!(await deleteMapped(ctx.db, id.toLowerCase()))) throw new AppError("COMPONENT_NOT_FOUND");
}

const noService = (binding: string): string =>
  `The Worker has no service binding ${binding}. Add it to wrangler.toml and deploy, then map the component.`;

function faultsOfFunctions(functions: readonly ComponentFunction[]): ErrorItem[] {
  if (bytesOf(JSON.stringify(functions)) > MOST_FUNCTION_BYTES) {
    return [fault(["functions"], `As JSON they may have at most ${MOST_FUNCTION_BYTES} bytes.`)];
  }
  return functions.flatMap((one, index) => {
    const isRepeated = functions.findIndex(({ name }) => name === one.name) < index;
    const unreadable = faultOfSchema(one);
    return [
      ...(isRepeated ? [fault(["functions", index, "name"], "Another function has this name.")] : []),
      ...(unreadable === undefined ? [] : [fault(["functions", index, "fields"], unreadable)]),
    ];
  });
}

function faultOfSchema(one: ComponentFunction): string | undefined {
  try {
    checkerOf(one);
    return undefined;
  } catch (error) {
    return `Not a JSON Schema that is understood here: ${(error as Error).message.slice(0, 200)}`;
  }
}

const fault = (path: readonly PropertyKey[], detail: string): ErrorItem => {
  const pointer = path.map((key) => `/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
  return errorItem("INVALID_BODY", { pointer, detail });
};

const refused = (items: readonly ErrorItem[]): AppError => new AppError("INVALID_BODY", { items });
