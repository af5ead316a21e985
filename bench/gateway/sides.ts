/** What is timed beside each other: the mixes, the bare proxy, nginx, and the backend by itself. */
import { callsOf, standing } from "./apis.ts";
import type { Mix } from "./mixes.ts";
import type { Nginx } from "./nginx.ts";
import type { Stage } from "./stage.ts";
import type { Side } from "./timing.ts";

/** A mix that is called with bodies too. */
export const postName = (mix: Mix): string => `${mix.name}, POST`;

const pathOf = (mix: Mix): string => `/gateway${standing(mix).base}`;
const posts = (at: string): string[] => callsOf(at, undefined, "POST");

/** `posted`: the mix that is called with bodies too. */
export function sidesOf(
  { server, backend }: Stage,
  mixes: readonly Mix[],
  posted: Mix,
  nginx: Nginx | undefined,
): Side[] {
  const { pid, ports } = server;
  const side = (name: string, port: number, wires: readonly string[], against = "bare"): Side => {
    return { name, port, pid, wires, status: 200, against };
  };
  const ofMix = (mix: Mix): Side => side(mix.name, ports["product"]!, callsOf(pathOf(mix)));
  return [
    ...mixes.map(ofMix),
    side(postName(posted), ports["product"]!, posts(pathOf(posted)), "bare, POST"),
    side("bare", ports["bare"]!, callsOf("")),
    side("bare, POST", ports["bare"]!, posts("")),
    ...(nginx === undefined ? [] : [{ ...side("nginx", nginx.port, callsOf("")), pid: nginx.pids[0]! }]),
    { ...side("backend itself", backend.port, callsOf("")), pid: backend.pid },
  ];
}
