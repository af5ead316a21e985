import type { Prepare } from "../call.ts";
import { InterceptorFault } from "../refusal.ts";

export const cache: Prepare<"cache"> = () => () => {
  throw new InterceptorFault("Not built yet.");
};
export const cacheClear: Prepare<"cacheClear"> = () => () => {
  throw new InterceptorFault("Not built yet.");
};
export const condition: Prepare<"condition"> = () => () => {
  throw new InterceptorFault("Not built yet.");
};
export const mock: Prepare<"mock"> = () => () => {
  throw new InterceptorFault("Not built yet.");
};
