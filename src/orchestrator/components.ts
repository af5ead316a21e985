import { isBuiltIn } from "../components/check.ts";
import { findMapped } from "../components/store.ts";
import type { Database } from "../db/client.ts";
import { isHexId } from "../platform/ids.ts";

interface Step {
  readonly id: string;
  readonly componentId?: string | null | undefined;
}

/** Why a graph cannot be run here, or undefined if it can. A step without a component passes data on. */
export function faultOfComponents(
  nodes: readonly Step[],
  isMapped: (id: string) => boolean = () => false,
): string | undefined {
  const unknown = nodes.filter(({ componentId }) => componentId && !isBuiltIn(componentId) && !isMapped(componentId));
  if (unknown.length === 0) return undefined;
  const named = unknown.slice(0, 10).map((node) => `${node.componentId} (step ${node.id})`);
  return `Unknown component: ${named.join(", ")}.`;
}

/** The same, knowing the components that admins mapped. */
export async function faultOfKnownComponents(db: Database, nodes: readonly Step[]): Promise<string | undefined> {
  const ids = nodes.flatMap(({ componentId }) =>
    componentId && isHexId(componentId) ? [componentId.toLowerCase()] : [],
  );
  const mapped = await findMapped(db, ids);
  return faultOfComponents(nodes, (id) => mapped.has(id.toLowerCase()));
}
