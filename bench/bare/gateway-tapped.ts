/** The product, telling what calls of APIs cost besides computing: statements at D1, and requests to objects. */
import * as product from "../../src/index.ts";
import { countedObject, countedWorker } from "./runs-counts.ts";
import { tappedWorker } from "./tap.ts";

export * from "../../src/index.ts";
export default tappedWorker(countedWorker(product.default as ExportedHandler<Env>));
export const CounterObject = countedObject("GATEWAY_COUNTER", product.CounterObject);
