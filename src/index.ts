import { answer } from "./app.ts";
import { consume } from "./consumer.ts";
import { sweepNow } from "./operations/sweep.ts";

export { CounterObject } from "./gateway/counter-object.ts";
export { ExecutionObject } from "./executions/object.ts";
export { BridgeMailbox } from "./messages/mailbox.ts";
export { FlowObject } from "./lifecycle/object.ts";
export { LiveFlowObject } from "./runs/live-object.ts";
export { RunObject } from "./runs/object.ts";
export { TemplateJob } from "./templates/job.ts";

export default {
  fetch: answer,
  queue: consume,
  scheduled: sweepNow,
} satisfies ExportedHandler<Env>;
