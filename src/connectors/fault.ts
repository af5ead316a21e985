export type ConnectorCode =
  | "ADDRESS_REFUSED"
  | "REQUEST_INVALID"
  | "TOO_MANY_REDIRECTS"
  | "ANSWER_TOO_LARGE"
  | "TIMEOUT"
  | "NETWORK";

/** Why a call came to no answer. The message is for the author of the flow: no query string, credential or header value. */
export class ConnectorError extends Error {
  override readonly name = "ConnectorError";
  readonly code: ConnectorCode;

  constructor(code: ConnectorCode, message: string) {
    super(message);
    this.code = code;
  }

  /** Whether another try may go better. */
  get mayPass(): boolean {
    return this.code === "TIMEOUT" || this.code === "NETWORK";
  }
}
