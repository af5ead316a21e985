/** Of a length that id and secret may have; longer ones are nobody's. */
const form = /^Basic +([A-Za-z0-9+/]{1,2000}={0,2})$/i;

/** What is asked for with a 401 (www-authenticate). */
export const BASIC_CHALLENGE = 'Basic realm="gateway", charset="UTF-8"';

export interface Credentials {
  readonly id: string;
  readonly secret: string;
}

/** What `Basic base64(id:secret)` says (RFC 7617); undefined for anything else. */
export function basicIn(value: string | null): Credentials | undefined {
  const [, encoded] = form.exec(value ?? "") ?? [];
  if (encoded === undefined) return undefined;
  const text = decoded(encoded);
  const at = text?.indexOf(":") ?? -1;
  return text === undefined || at < 0 ? undefined : { id: text.slice(0, at), secret: text.slice(at + 1) };
}

function decoded(text: string): string | undefined {
  try {
    return atob(text);
  } catch {
    return undefined;
  }
}
