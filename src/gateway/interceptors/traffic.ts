import type { Prepare } from "../call.ts";
import { InterceptorFault } from "../refusal.ts";

export const ipFilter: Prepare<"ipFilter"> = () => () => {
  throw new InterceptorFault("Not built yet.");
};
export const rateLimit: Prepare<"rateLimit"> = () => () => {
  throw new InterceptorFault("Not built yet.");
};
export const spikeArrest: Prepare<"spikeArrest"> = () => () => {
  throw new InterceptorFault("Not built yet.");
};
