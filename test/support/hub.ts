import { operations } from "./api.ts";

/** Whether a path is of the Hub Client API, which has tokens and errors of its own; the back office is not. */
export const isHub = (path: string): boolean => path.startsWith("/api/") && !path.startsWith("/api/backoffice/");

export const hubOperations = operations.filter(({ path }) => isHub(path));
