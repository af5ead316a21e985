import type { Prepare } from "../call.ts";
import { InterceptorFault } from "../refusal.ts";

export const jsonThreat: Prepare<"jsonThreat"> = () => () => {
  throw new InterceptorFault("Not built yet.");
};
export const xmlThreat: Prepare<"xmlThreat"> = () => () => {
  throw new InterceptorFault("Not built yet.");
};
