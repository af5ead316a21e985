/** The product, telling what its executions cost: statements at D1, requests to objects, rows in their databases, R2. */
import * as product from "../../src/index.ts";
import { countedObject, countedWorker } from "./runs-counts.ts";
import { tappedObject, tappedWorker } from "./tap.ts";

export * from "../../src/index.ts";
export default tappedWorker(countedWorker(product.default as ExportedHandler<Env>));
export const ExecutionObject = countedObject("EXECUTION", tappedObject(product.ExecutionObject));
