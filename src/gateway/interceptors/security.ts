import type { Prepare } from "../call.ts";
import { InterceptorFault } from "../refusal.ts";

export const clientId: Prepare<"clientId"> = () => () => {
  throw new InterceptorFault("Not built yet.");
};
export const clientIdSecret: Prepare<"clientIdSecret"> = () => () => {
  throw new InterceptorFault("Not built yet.");
};
export const cors: Prepare<"cors"> = () => () => {
  throw new InterceptorFault("Not built yet.");
};
export const requestSize: Prepare<"requestSize"> = () => () => {
  throw new InterceptorFault("Not built yet.");
};
