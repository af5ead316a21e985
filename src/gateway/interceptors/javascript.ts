import type { Prepare } from "../call.ts";
import { InterceptorFault } from "../refusal.ts";

export const javascript: Prepare<"javascript"> = () => () => {
  throw new InterceptorFault("Not built yet.");
};
