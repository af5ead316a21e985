import { AppError } from "../../platform/errors.ts";
import { boundaryOf, parts, type Part } from "./multipart.ts";
import { fileNameOf, mimeTypeOf } from "./name-and-type.ts";
import { Upload } from "./upload.ts";

export interface Destination {
  readonly bucket: R2Bucket;
  readonly key: string;
  readonly mostBytes: number;
}

export interface ReceivedFile {
  readonly fileName: string;
  readonly mimeType: string;
  readonly size: number;
}

/** What a body can have beside the bytes of its file: boundaries, headers, other fields. */
export const MOST_BYTES_BESIDE = 1024 * 1024;

/** Stores the one file of a form. Before the body has ended well, nothing can be seen under the key. */
export async function receiveFile(request: Request, to: Destination): Promise<ReceivedFile> {
  const boundary = boundaryOf(request.headers.get("content-type"));
  if (boundary === undefined) {
    const message = "The body must be multipart/form-data.";
    throw new AppError("UNSUPPORTED_MEDIA_TYPE", { message, detail: "Send a form with one file." });
  }
  const mostBytes = to.mostBytes + MOST_BYTES_BESIDE;
  if (Number(request.headers.get("content-length") ?? 0) > mostBytes) throw tooLarge(to);
  if (request.body === null) throw noFile();
  let file: { readonly fileName: string; readonly mimeType: string; readonly upload: Upload } | undefined;
  try {
    for await (const part of parts(request.body, boundary, mostBytes)) {
      if (!isFile(part)) continue;
      if (file !== undefined) throw new AppError("INVALID_BODY", { detail: "Send one file, not several." });
      const mimeType = mimeTypeOf(part.type);
      file = { fileName: fileNameOf(part.fileName), mimeType, upload: new Upload(to.bucket, to.key, mimeType) };
      await store(part.body, file.upload, to);
    }
    if (file === undefined) throw noFile();
    await file.upload.finish();
    return { fileName: file.fileName, mimeType: file.mimeType, size: file.upload.size };
  } catch (error) {
    await file?.upload.abort();
    throw error;
  }
}

async function store(body: AsyncIterable<Uint8Array>, upload: Upload, to: Destination): Promise<void> {
  for await (const bytes of body) {
    if (upload.size + bytes.byteLength > to.mostBytes) throw tooLarge(to);
    await upload.write(bytes);
  }
}

/** Browsers send a file field in which nothing was chosen with an empty name. */
const isFile = (part: Part): part is Part & { fileName: string } => part.fileName !== undefined && part.fileName !== "";

const tooLarge = ({ mostBytes }: Destination): AppError =>
  new AppError("BODY_TOO_LARGE", { detail: `A file can have at most ${mostBytes} bytes.` });

const noFile = (): AppError => new AppError("INVALID_BODY", { detail: "Send a form with one file that has a name." });
