import type { Prepare } from "../call.ts";
import { InterceptorFault } from "../refusal.ts";

export const log: Prepare<"log"> = () => () => {
  throw new InterceptorFault("Not built yet.");
};
export const logObfuscation: Prepare<"logObfuscation"> = () => () => {
  throw new InterceptorFault("Not built yet.");
};
