import type { Prepare } from "../call.ts";
import { InterceptorFault } from "../refusal.ts";

export const bodyTransform: Prepare<"bodyTransform"> = () => () => {
  throw new InterceptorFault("Not built yet.");
};
export const destination: Prepare<"destination"> = () => () => {
  throw new InterceptorFault("Not built yet.");
};
export const header: Prepare<"header"> = () => () => {
  throw new InterceptorFault("Not built yet.");
};
export const jsonXml: Prepare<"jsonXml"> = () => () => {
  throw new InterceptorFault("Not built yet.");
};
export const mask: Prepare<"mask"> = () => () => {
  throw new InterceptorFault("Not built yet.");
};
export const query: Prepare<"query"> = () => () => {
  throw new InterceptorFault("Not built yet.");
};
