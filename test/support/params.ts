/** Well-formed parameters of paths, for a request to any operation. */
export const exampleParams = {
  stepId: "step_1",
  suffix: "orders",
  revision: "1",
  other: "1",
  job: `job_${"0".repeat(32)}`,
  uuid: "0199aa00-0000-7000-8000-000000000000",
  resource: "all",
  operation: "all",
  entryId: "limit",
  traceId: `trace_${"0".repeat(28)}`,
};
