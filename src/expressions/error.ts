export type ExpressionErrorCode =
  | "EXPRESSION_INVALID"
  | "EXPRESSION_FAILED"
  | "EXPRESSION_STEPS"
  | "EXPRESSION_DEPTH"
  | "EXPRESSION_TOO_LARGE";

/** What went wrong with an expression, in a sentence for its author. */
export class ExpressionError extends Error {
  override readonly name = "ExpressionError";
  readonly code: ExpressionErrorCode;

  constructor(code: ExpressionErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
