import { AppError } from "../../platform/errors.ts";

const MOST_NAME_LENGTH = 255;

/** Control characters, and those that turn the direction of writing, which make `exe.txt` of `txt.exe`. */
const unseen = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

/** The name alone, whatever path the sender's system put before it. */
export function fileNameOf(sent: string): string {
  const last = sent.replaceAll(unseen, "").split(/[/\\]/).at(-1)!.trim();
  if (/^\.{0,2}$/.test(last)) throw new AppError("INVALID_BODY", { detail: "Give the file a name." });
  return last
    .slice(0, MOST_NAME_LENGTH)
    .replace(/[\ud800-\udbff]$/, "")
    .trim();
}

const mediaType = /^[a-z\d][\w!#$&^.+-]{0,126}\/[a-z\d][\w!#$&^.+-]{0,126}$/;

/** The type alone, if it is one. */
export function mimeTypeOf(sent: string | undefined): string {
  const type = (sent ?? "").split(";", 1)[0]!.trim().toLowerCase();
  return mediaType.test(type) ? type : "application/octet-stream";
}
