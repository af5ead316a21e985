import type { Actor } from "../identity/actor.ts";
import type { Context } from "../identity/context.ts";
import { AppError } from "../platform/errors.ts";
import { catalogue, type ComponentName } from "./catalogue.ts";
import { isBuiltIn } from "./check.ts";
import { fieldSchemaOf } from "./field-schema.ts";
import { mappedId, type ComponentEntry, type MappedComponent } from "./model.ts";
import { findMapped, listMapped } from "./store.ts";

export interface ComponentPage {
  readonly data: ComponentEntry[];
  readonly meta: { readonly perPage: number };
  readonly links: { readonly next: string | null };
}

/** One page: first those that are built in, then the mapped ones in the order of their ids. */
export async function listComponents(ctx: Context, query: { size: number; after: string }): Promise<ComponentPage> {
  const { size, after } = query;
  const found = await listMapped(ctx.db, after, size + 1);
  const page = found.slice(0, size);
  const builtIn = after === "" ? [...catalogue.keys()].map((name) => builtInEntry(name as ComponentName)) : [];
  const last = found.length > size ? page.at(-1) : undefined;
  const next = last && new URLSearchParams({ "page[size]": String(size), "page[after]": last.id });
  return {
    data: [...builtIn, ...page.map((mapped) => mappedEntry(mapped, ctx.actor))],
    meta: { perPage: size },
    links: { next: next ? `/components?${next.toString()}` : null },
  };
}

/** One component by its name or, if it is mapped, by its id. */
export async function getComponent(ctx: Context, id: string): Promise<ComponentEntry> {
  if (isBuiltIn(id)) return builtInEntry(id);
  const mapped = mappedId.test(id) ? (await findMapped(ctx.db, [id.toLowerCase()])).get(id.toLowerCase()) : undefined;
  if (mapped === undefined) throw new AppError("COMPONENT_NOT_FOUND");
  return mappedEntry(mapped, ctx.actor);
}

function builtInEntry(name: ComponentName): ComponentEntry {
  const { kind, description } = catalogue.get(name)!;
  return { id: name, name, kind, description, remote: false, functions: [], fields: fieldSchemaOf(name) };
}

/** Where a component is may hold a key, and is told to admins alone. */
export function mappedEntry(mapped: MappedComponent, { isAdmin }: Actor): ComponentEntry {
  const { id, name, description, endpoint, binding, secret, functions, updatedAt } = mapped;
  return {
    id,
    name,
    kind: "action",
    description,
    remote: true,
    functions: [...functions],
    secret,
    ...(isAdmin && endpoint !== null ? { endpoint } : {}),
    ...(isAdmin && binding !== null ? { binding } : {}),
    updatedAt: new Date(updatedAt).toISOString(),
  };
}
