/** Why a secret could not be opened. It tells neither value nor token, nor whether somebody else's secret exists. */
export class SecretFault extends Error {
  override readonly name = "SecretFault";
  readonly code = "SECRET_UNAVAILABLE";
  /** Whether another try may succeed. */
  readonly mayPass: boolean;

  constructor(message: string, mayPass: boolean) {
    super(message);
    this.mayPass = mayPass;
  }
}
