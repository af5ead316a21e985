import { exampleFlow } from "../src/flows/example.ts";
import type { Demo } from "./demo-talk.ts";

/** A flow's whole life. */
export async function lifecycle(demo: Demo): Promise<void> {
  console.log("\n# Store the example flow");
  const path = await demo.store(exampleFlow);
  console.log("\n# Start it and watch it become active");
  await demo.call("POST", `${path}/start`, 200);
  await demo.until(path, (status) => status === "active");
  console.log("\n# An active flow can be neither edited nor deleted");
  await demo.call("PATCH", path, 409, { name: "Too early" });
  await demo.call("DELETE", path, 409);
  console.log("\n# Stop it and watch it become inactive");
  await demo.call("POST", `${path}/stop`, 200);
  await demo.until(path, (status) => status === "inactive");
  console.log("\n# Edit it, delete it");
  const edited = await demo.call("PATCH", path, 200, { name: "A better name" });
  if ((edited.body["data"] as { revision: number }).revision !== 2) {
    throw new Error("The edit did not make revision 2.");
  }
  await demo.call("DELETE", path, 200);
  await demo.call("GET", path, 404);
}
