import type { Prepare } from "../call.ts";
import { InterceptorFault } from "../refusal.ts";

export const internalCall: Prepare<"internalCall"> = () => () => {
  throw new InterceptorFault("Not built yet.");
};
export const serviceCallout: Prepare<"serviceCallout"> = () => () => {
  throw new InterceptorFault("Not built yet.");
};
