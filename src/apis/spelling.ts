/** Path and query (with its `?`) of an address as they were sent. `new URL` would undo `..`, `%2e%2e` and `\`. */
export function partsOfUrl(url: string): { path: string; query: string } {
  const from = url.indexOf("/", url.indexOf("://") + 3);
  const fragment = url.indexOf("#");
  const whole = fragment === -1 ? url : url.slice(0, fragment);
  const question = whole.indexOf("?");
  const query = question === -1 ? "" : whole.slice(question);
  return { path: from === -1 ? "" : whole.slice(from, whole.length - query.length), query };
}

// What fetch, or a server behind it, would read as another path: a control character, a space, \, ? or #, or a segment
// of dots, whatever its slashes and dots are written as.
const ambiguous = /^[^/]|[^!-[\]-~\u0080-\uffff]|[?#]|(?:^|\/|%2f|%5c)(?:\.|%2e){1,2}(?:;[^/]*)?(?:$|\/|%2f|%5c)/i;

/** Letters, digits and - . _ ~, encoded. */
const unreserved = /%(?:2[DE]|3\d|[46][1-9A-F]|[57][\dA]|5F|7E)/gi;

/** Whether a path means the same to everybody. One with `.` or `..` as a segment, plain or encoded, matches nothing. */
export const isPlain = (path: string): boolean => !ambiguous.test(path);

/**
 * `%61dmin` is another spelling of `admin` to every server, but no literal here, so it would go past the interceptors
 * of `/admin` by way of `/{name}`. What its plain spelling would take elsewhere matches nothing.
 */
export const plainSpelling = (path: string): string =>
  path.includes("%") ? path.replaceAll(unreserved, (code) => decodeURIComponent(code)) : path;

/** A path, or a part of one, in the form in which paths are compared. */
export const comparable = (text: string): string =>
  text.includes("%") ? text.replaceAll(/%[\da-f]{2}/gi, (code) => code.toUpperCase()) : text;
