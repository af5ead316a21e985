// A type that is said twice is one of both to whoever reads it.
const xml = /(?:^|,)\s*(?:(?:application|text)\/xml|[\w.+-]+\/[\w.!#$&^+-]+\+xml)\s*(?:[;,]|$)/i;

/** Whether headers say that their body is XML. */
export const isXml = (headers: Headers): boolean => xml.test(headers.get("content-type") ?? "");
