/** The parts of a query between its `&`, as they were sent. */
export const partsOf = (query: string): string[] => (query.length > 1 ? query.slice(1).split("&") : []);

/** The name of a parameter as whoever reads the query understands it. */
export function nameOf(part: string): string {
  const end = part.indexOf("=");
  const name = end === -1 ? part : part.slice(0, end);
  // An & in front, since a ? in front would be left out.
  return /[%+]/.test(name) ? (new URLSearchParams(`&${name}`).keys().next().value ?? "") : name;
}

export const queryOf = (parts: readonly string[]): string => (parts.length === 0 ? "" : `?${parts.join("&")}`);

export const partOf = (name: string, value: string): string =>
  `${encodeURIComponent(name.toWellFormed())}=${encodeURIComponent(value.toWellFormed())}`;

/** Values by name of a parameter; without one, the parameter is left out. */
export type Values = ReadonlyMap<string, readonly string[]>;

/**
 * Removes, sets and adds parameters. What it does not touch stays byte for byte; one that is set stands in the place of
 * the first that it replaces.
 */
export function changedQuery(query: string, change: { remove: ReadonlySet<string>; set: Values; add: Values }): string {
  const { remove, set, add } = change;
  const placed = new Set<string>();
  const parts = partsOf(query).flatMap((part) => {
    const name = nameOf(part);
    const values = set.get(name);
    if (values === undefined) return remove.has(name) ? [] : [part];
    if (placed.has(name)) return [];
    placed.add(name);
    return values.map((value) => partOf(name, value));
  });
  for (const [name, values] of set) {
    if (!placed.has(name)) parts.push(...values.map((value) => partOf(name, value)));
  }
  for (const [name, values] of add) parts.push(...values.map((value) => partOf(name, value)));
  return queryOf(parts);
}

/** An address with a further query. */
export const withQuery = (url: string, query: string): string =>
  query.length < 2 ? url : `${url}${url.includes("?") ? "&" : "?"}${query.slice(1)}`;
