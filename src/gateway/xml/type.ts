const xml = /^\s*(?:application|text)\/xml\s*(?:;|$)|^\s*[\w.+-]+\/[\w.!#$&^+-]+\+xml\s*(?:;|$)/i;

/** Whether headers say that their body is XML. */
export const isXml = (headers: Headers): boolean => xml.test(headers.get("content-type") ?? "");
