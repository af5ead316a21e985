/** The product, telling what its runs cost: statements at D1, requests to objects, rows in the objects' databases. */
import * as product from "../../src/index.ts";
import { countedObject, countedWorker } from "./runs-counts.ts";
import { tappedObject, tappedWorker } from "./tap.ts";

export * from "../../src/index.ts";
export default tappedWorker(countedWorker(product.default as ExportedHandler<Env>));
export const FlowObject = countedObject("FLOW_OBJECT", tappedObject(product.FlowObject));
export const RunObject = countedObject("RUN", tappedObject(product.RunObject));
export const LiveFlowObject = countedObject("LIVE_FLOW", tappedObject(product.LiveFlowObject));
