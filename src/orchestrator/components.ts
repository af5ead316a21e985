/** The components that are built in, by the name that `componentId` gives. */
export const builtIn = new Set([
  "webhook",
  "schedule",
  "manual",
  "http",
  "transform",
  "filter",
  "switch",
  "split",
  "aggregate",
  "delay",
  "log",
  "flow",
  "reply",
  "error",
]);

interface Step {
  readonly id: string;
  readonly componentId?: string | null | undefined;
}

/** Why a graph cannot be run here, or undefined if it can. A step without a component passes data on. */
export function faultOfComponents(nodes: readonly Step[]): string | undefined {
  const unknown = nodes.filter((node) => node.componentId && !builtIn.has(node.componentId));
  if (unknown.length === 0) return undefined;
  const named = unknown.slice(0, 10).map((node) => `${node.componentId} (step ${node.id})`);
  return `Unknown component: ${named.join(", ")}.`;
}
