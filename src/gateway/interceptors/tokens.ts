import type { Prepare } from "../call.ts";
import { InterceptorFault } from "../refusal.ts";

export const accessToken: Prepare<"accessToken"> = () => () => {
  throw new InterceptorFault("Not built yet.");
};
export const jwt: Prepare<"jwt"> = () => () => {
  throw new InterceptorFault("Not built yet.");
};
export const oauth: Prepare<"oauth"> = () => () => {
  throw new InterceptorFault("Not built yet.");
};
