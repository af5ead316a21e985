import { z } from "zod";

/** Everything that this service refuses or fails with: status, sentence, and what a queue consumer does about it. */
const table = {
  MISSING_AUTHORIZATION: { status: 401, message: "Missing authorization header." },
  INVALID_AUTHORIZATION: { status: 401, message: "Invalid authorization header" },
  TOKEN_NOT_FOUND: {
    status: 401,
    message: "Token invalid. Error: Error. Details: Token not found in IAM",
  },
  TOKEN_INVALID: {
    status: 401,
    message: "Token invalid. Error: Error. Details: Authorization failed",
  },
  TOKEN_EXPIRED: { status: 401, message: "Token invalid. Error: Token expired." },
  IDENTITY_UNAVAILABLE: {
    status: 401,
    message: "Token invalid. Error: Error. Details: Authorization failed",
  },
  MISSING_PERMISSION: { status: 403, message: "MISSING_PERMISSION" },
  MISSING_BULK_PERMISSION: {
    status: 403,
    message: "User is missing permission for bulk operations",
  },
  OWNER_NOT_ALLOWED: {
    status: 403,
    message: "Only yourself, your tenant or, with the permission all, anyone can be made an owner.",
  },
  ORIGIN_NOT_ALLOWED: { status: 403, message: "Not allowed by CORS" },
  INVALID_ID: { status: 400, message: "Invalid id" },
  INVALID_PARAMETER: { status: 400, message: "Invalid parameter" },
  INVALID_JSON: { status: 400, message: "The body is not valid JSON." },
  INVALID_BODY: { status: 400, message: "The body does not have the expected form." },
  INVALID_FLOW: { status: 400, message: "The flow is not valid." },
  INVALID_TEMPLATE: { status: 400, message: "The template is not valid." },
  INVALID_VALUES: { status: 400, message: "The values do not fit the template's variables." },
  ID_MISMATCH: { status: 400, message: "The id in the body differs from the id in the path." },
  FLOW_NOT_FOUND: { status: 404, message: "Flow not found" },
  STEP_NOT_FOUND: { status: 404, message: "Step not found" },
  REVISION_NOT_FOUND: { status: 404, message: "Revision not found" },
  DEAD_LETTER_NOT_FOUND: { status: 404, message: "Dead letter not found" },
  TEMPLATE_NOT_FOUND: { status: 404, message: "Template not found" },
  JOB_NOT_FOUND: { status: 404, message: "Job not found" },
  SECRET_NOT_FOUND: { status: 404, message: "Secret not found" },
  COMPONENT_NOT_FOUND: { status: 404, message: "Component not found" },
  NOT_FOUND: { status: 404, message: "Not found" },
  METHOD_NOT_ALLOWED: { status: 405, message: "Method not allowed" },
  HOOK_NOT_FOUND: { status: 404, message: "The flow either does not exist or is inactive." },
  HOOK_UNAUTHORIZED: { status: 403, message: "Unauthorized" },
  HOOK_RATE_LIMITED: { status: 429, message: "Too many hooks were asked for that do not exist. Wait a minute." },
  HOOK_RUN_FAILED: { status: 502, message: "The run ended before it replied." },
  CALL_DEPTH: { status: 508, message: "Flows call each other, or themselves, too deep." },
  RUN_NOT_FOUND: { status: 404, message: "Run not found" },
  EXECUTION_NOT_FOUND: { status: 404, message: "Execution not found" },
  EXECUTION_ENDED: { status: 409, message: "The execution has ended." },
  RUN_NOT_FAILED: { status: 409, message: "Only a run that failed or was cancelled can be taken up again." },
  RUN_OF_ANOTHER: {
    status: 409,
    message: "The flow was started by somebody else since. Replay the run instead.",
  },
  REPLAY_TOO_LARGE: { status: 409, message: "What came to this step is too much for a new run to begin with." },
  FLOW_NOT_ACTIVE: { status: 409, message: "Flow is not active." },
  FLOW_HAS_NO_ENTRY: { status: 409, message: "The flow has no step at which a run could begin." },
  FLOW_NOT_INACTIVE: { status: 409, message: "Flow is not inactive." },
  FLOW_STOPPING: { status: 409, message: "Flow is not inactive. Current status: stopping" },
  INSTANCE_GRAPH: {
    status: 409,
    message: "Its graph comes from the template; change values, or detach it first.",
  },
  INSTANCE_INCOMPLETE: { status: 409, message: "Values that the template requires are missing." },
  REFERENCES_NOT_VISIBLE: {
    status: 409,
    message: "The flow refers to components or secrets that you cannot see.",
  },
  FLOW_NO_INSTANCE: { status: 409, message: "The flow is not an instance of a template." },
  TEMPLATE_IN_USE: { status: 409, message: "The template has instances." },
  JOB_ENDED: { status: 409, message: "The job has ended." },
  REVISION_CONFLICT: {
    status: 409,
    message: "The flow was changed by somebody else at the same time. Read it again and repeat.",
  },
  REQUEST_UNDER_WAY: {
    status: 409,
    message: "A request with the same Idempotency-Key is being handled. Send it again later.",
  },
  PRECONDITION_FAILED: {
    status: 412,
    message: "The flow is not the one that If-Match names. Read it again and repeat.",
  },
  BODY_TOO_LARGE: { status: 413, message: "request entity too large" },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, message: "The body must be application/json in UTF-8." },
  IDEMPOTENCY_KEY_REUSED: {
    status: 422,
    message: "This Idempotency-Key was used for another request within the last 24 hours.",
  },
  FLOW_IDS_REQUIRED: {
    status: 500,
    message: "No flow ids given. Expecting an array of flow ids",
  },
  APP_NOT_FOUND: { status: 404, message: "App not found" },
  PLAN_NOT_FOUND: { status: 404, message: "Plan not found" },
  API_NOT_FOUND: { status: 404, message: "API not found" },
  API_SCOPE_NOT_FOUND: { status: 404, message: "The API has no such resource or operation." },
  API_ENTRY_NOT_FOUND: { status: 404, message: "The flow has inherited no such interceptor." },
  API_FLOW_NOT_FOUND: { status: 404, message: "The scope has no flow of its own." },
  TRACE_NOT_FOUND: { status: 404, message: "Trace not found" },
  INVALID_API: { status: 422, message: "The API is not valid." },
  INVALID_PLAN: { status: 422, message: "The plan is not valid." },
  INVALID_IMPORT: { status: 422, message: "The document cannot be imported." },
  BASE_PATH_TAKEN: { status: 409, message: "Another API stands at the base path." },
  DRAFT_OUTDATED: { status: 409, message: "The API was changed since the draft was begun." },
  DRAFT_CONFLICT: {
    status: 409,
    message: "The draft was changed by somebody else at the same time. Read it again and repeat.",
  },
  NOTHING_TO_SAVE: { status: 409, message: "The API has no draft." },
  API_MOVING: { status: 409, message: "The API is being started or stopped. Try again in a moment." },
  PLAN_IN_USE: { status: 409, message: "The plan is that of an API or an app." },
  INTERNAL: { status: 500, message: "Something went wrong on our side." },
  MISCONFIGURED: {
    status: 503,
    message: "The service is misconfigured. Its log names the setting.",
  },
  SECRETS_NOT_KEPT: { status: 503, message: "Secrets are not kept here." },
  STORAGE_UNAVAILABLE: { status: 503, message: "NO DB. Please try again later 0" },
  QUEUE_UNAVAILABLE: { status: 503, message: "The queue is not available. Please try again later." },
  JOB_UNAVAILABLE: { status: 503, message: "The job cannot be reached at the moment. Please try again later." },
  EXECUTION_UNAVAILABLE: {
    status: 503,
    message: "The execution cannot be reached at the moment. Please try again later.",
  },
  NEIGHBOUR_UNAVAILABLE: {
    status: 503,
    message: "A service that has to be asked before does not answer. Please try again later.",
  },
  FLOW_UNAVAILABLE: {
    status: 503,
    message: "The flow cannot be reached at the moment. Please try again later.",
  },
} as const satisfies Record<string, { status: number; message: string }>;

export type ErrorCode = keyof typeof table;
export type ErrorStatus = (typeof table)[ErrorCode]["status"];

/** Exhaustive: a new error does not compile until it is decided whether a queue message that met it is worth another try. */
export const redelivery = {
  MISSING_AUTHORIZATION: "keep",
  INVALID_AUTHORIZATION: "keep",
  TOKEN_NOT_FOUND: "keep",
  TOKEN_INVALID: "keep",
  TOKEN_EXPIRED: "keep",
  IDENTITY_UNAVAILABLE: "retry",
  MISSING_PERMISSION: "keep",
  MISSING_BULK_PERMISSION: "keep",
  OWNER_NOT_ALLOWED: "keep",
  ORIGIN_NOT_ALLOWED: "keep",
  INVALID_ID: "keep",
  INVALID_PARAMETER: "keep",
  INVALID_JSON: "keep",
  INVALID_BODY: "keep",
  INVALID_FLOW: "keep",
  INVALID_TEMPLATE: "keep",
  INVALID_VALUES: "keep",
  ID_MISMATCH: "keep",
  FLOW_NOT_FOUND: "keep",
  STEP_NOT_FOUND: "keep",
  REVISION_NOT_FOUND: "keep",
  DEAD_LETTER_NOT_FOUND: "keep",
  TEMPLATE_NOT_FOUND: "keep",
  JOB_NOT_FOUND: "keep",
  SECRET_NOT_FOUND: "keep",
  COMPONENT_NOT_FOUND: "keep",
  NOT_FOUND: "keep",
  METHOD_NOT_ALLOWED: "keep",
  HOOK_NOT_FOUND: "keep",
  HOOK_UNAUTHORIZED: "keep",
  HOOK_RATE_LIMITED: "retry",
  HOOK_RUN_FAILED: "keep",
  CALL_DEPTH: "keep",
  RUN_NOT_FOUND: "keep",
  EXECUTION_NOT_FOUND: "keep",
  EXECUTION_ENDED: "keep",
  RUN_NOT_FAILED: "keep",
  RUN_OF_ANOTHER: "keep",
  REPLAY_TOO_LARGE: "keep",
  FLOW_NOT_ACTIVE: "keep",
  FLOW_HAS_NO_ENTRY: "keep",
  FLOW_NOT_INACTIVE: "keep",
  FLOW_STOPPING: "keep",
  INSTANCE_GRAPH: "keep",
  INSTANCE_INCOMPLETE: "keep",
  REFERENCES_NOT_VISIBLE: "keep",
  FLOW_NO_INSTANCE: "keep",
  TEMPLATE_IN_USE: "keep",
  JOB_ENDED: "keep",
  REVISION_CONFLICT: "retry",
  REQUEST_UNDER_WAY: "retry",
  PRECONDITION_FAILED: "keep",
  BODY_TOO_LARGE: "keep",
  UNSUPPORTED_MEDIA_TYPE: "keep",
  IDEMPOTENCY_KEY_REUSED: "keep",
  FLOW_IDS_REQUIRED: "keep",
  APP_NOT_FOUND: "keep",
  PLAN_NOT_FOUND: "keep",
  API_NOT_FOUND: "keep",
  API_SCOPE_NOT_FOUND: "keep",
  API_ENTRY_NOT_FOUND: "keep",
  API_FLOW_NOT_FOUND: "keep",
  TRACE_NOT_FOUND: "keep",
  INVALID_API: "keep",
  INVALID_PLAN: "keep",
  INVALID_IMPORT: "keep",
  BASE_PATH_TAKEN: "keep",
  DRAFT_OUTDATED: "keep",
  DRAFT_CONFLICT: "retry",
  NOTHING_TO_SAVE: "keep",
  API_MOVING: "retry",
  PLAN_IN_USE: "keep",
  INTERNAL: "retry",
  MISCONFIGURED: "retry",
  SECRETS_NOT_KEPT: "retry",
  STORAGE_UNAVAILABLE: "retry",
  QUEUE_UNAVAILABLE: "retry",
  JOB_UNAVAILABLE: "retry",
  EXECUTION_UNAVAILABLE: "retry",
  NEIGHBOUR_UNAVAILABLE: "retry",
  FLOW_UNAVAILABLE: "retry",
} as const satisfies Record<ErrorCode, "keep" | "retry">;

export const statusOf = (code: ErrorCode): ErrorStatus => table[code].status;
export const messageOf = (code: ErrorCode): string => table[code].message;

export const ErrorItem = z
  .object({
    message: z.string().meta({
      description: "What is wrong, for people. Worded as in the Open Integration Hub.",
      example: "Invalid id",
    }),
    code: z.int().meta({ description: "The HTTP status of this error.", example: 400 }),
    error: z.string().meta({ description: "Stable name of the error, for programs.", example: "INVALID_ID" }),
    pointer: z
      .string()
      .optional()
      .meta({ description: "JSON pointer (RFC 6901) to the place in the body.", example: "/graph/edges/0/target" }),
    parameter: z
      .string()
      .optional()
      .meta({ description: "The path or query parameter that is at fault.", example: "page[size]" }),
    detail: z
      .string()
      .optional()
      .meta({ description: "What would be right.", example: "Use a whole number from 1 to 1000." }),
    flowId: z.unknown().optional().meta({
      description: "In answers about several flows: the id as it was sent.",
      example: "5ca5c44c187c040010a9bb8b",
    }),
  })
  .meta({ id: "ErrorItem", description: "One error." });
export type ErrorItem = z.infer<typeof ErrorItem>;

export const ErrorBody = z
  .object({ errors: z.array(ErrorItem).meta({ description: "At least one error." }) })
  .meta({ id: "Errors", description: "The one form in which every error is answered." });

export type ErrorHints = Omit<Partial<ErrorItem>, "code" | "error">;

export const errorItem = (code: ErrorCode, hints: ErrorHints = {}): ErrorItem => ({
  message: messageOf(code),
  ...hints,
  code: statusOf(code),
  error: code,
});

/** An expected refusal or failure. Verbs throw it; the HTTP edge and the queue consumer each translate it once. */
export class AppError extends Error {
  override readonly name = "AppError";
  readonly code: ErrorCode;
  readonly items: readonly ErrorItem[];
  /** Where another one was demanded: the tag that the flow has. */
  readonly etag: string | undefined;

  constructor(
    code: ErrorCode,
    hints: ErrorHints & { items?: readonly ErrorItem[]; cause?: unknown; etag?: string } = {},
  ) {
    const { items, cause, etag, ...rest } = hints;
    super(rest.message ?? messageOf(code), { cause });
    this.code = code;
    this.etag = etag;
    this.items = items ?? [errorItem(code, rest)];
  }
}
