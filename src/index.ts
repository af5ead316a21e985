import { app } from "./app.ts";
import { consume } from "./consumer.ts";
import { sweepNow } from "./operations/sweep.ts";

export { ExecutionObject } from "./executions/object.ts";
export { FlowObject } from "./lifecycle/object.ts";
export { LiveFlowObject } from "./runs/live-object.ts";
export { RunObject } from "./runs/object.ts";
export { TemplateJob } from "./templates/job.ts";

export default {
  fetch: app.fetch,
  queue: consume,
  scheduled: sweepNow,
} satisfies ExportedHandler<Env>;
