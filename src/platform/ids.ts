/** 24 lower-case hex digits: four bytes of time, eight of chance; the form that the ecosystem's references have. */
export function newObjectId(now: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  new DataView(bytes.buffer).setUint32(0, Math.floor(now / 1000));
  return hexOf(bytes);
}

/** What the Open Integration Hub takes for an id: 24 hex digits, or any 12 single-byte characters. */
export const objectIdPattern = /^(?:[0-9a-fA-F]{24}|[^\u0080-\uffff]{12})$/;

export const isHexId = (text: string): boolean => /^[0-9a-fA-F]{24}$/.test(text);

/** The one form of an id that is stored; undefined if the text is none. */
export function toObjectId(value: unknown): string | undefined {
  if (typeof value !== "string" || !objectIdPattern.test(value)) return undefined;
  return value.length === 24 ? value.toLowerCase() : hexOf(new TextEncoder().encode(value));
}

/** SHA-256 of a text, in hex. */
export const sha256Of = async (text: string): Promise<string> =>
  hexOf(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))));

export const hexOf = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** FNV-1a, 32 bits: tells texts apart where nobody makes two alike on purpose. */
export function shortHashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}
