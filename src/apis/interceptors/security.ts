import { z } from "zod";

import { flag, header, names, responseType, token, whole } from "../fields.ts";
import { beforePlans, everywhere, interceptor, onBoth, onRequest } from "./interceptor.ts";

const clientId = interceptor({
  type: "clientId",
  category: "security",
  description:
    "Tells which app calls, by its client id. 401 without a known one, 403 if the app has no plan of this API.",
  stages: onRequest,
  scopes: beforePlans,
  identifies: () => true,
  config: z.strictObject({
    location: z
      .enum(["header", "query"])
      .default("header")
      .meta({ description: "Where the client id stands. Default header.", example: "header" }),
    name: token
      .default("client_id")
      .meta({ description: "Name of the header or query parameter. Default client_id.", example: "client_id" }),
    responseType,
  }),
});

const clientIdSecret = interceptor({
  type: "clientIdSecret",
  category: "security",
  description:
    "Tells which app calls, by its client id and secret: a header with Basic and base64 of id:secret. 401 unless both fit, 403 if the app has no plan of this API.",
  stages: onRequest,
  scopes: beforePlans,
  identifies: () => true,
  config: z.strictObject({
    name: header("The header. Default authorization.", "authorization").default("authorization"),
    responseType,
  }),
});

const requestSize = interceptor({
  type: "requestSize",
  category: "security",
  description:
    "Refuses bodies above a size with 413, by what they say and by what comes. A body that does not say its length is read before it goes on, up to 4 MiB; a limit above that cuts it off on its way.",
  stages: onRequest,
  scopes: everywhere,
  config: z.strictObject({
    mostBytes: whole("Bytes that a body may have.", 0, 104_857_600, 1_048_576),
  }),
});

const origin = z
  .string()
  .max(300)
  .regex(
    /^(?:\*|https?:\/\/(?:[a-z0-9.-]{1,253}|\[[\da-f:.]{2,45}\])(?::\d{1,5})?)$/,
    "Use an origin such as https://app.example.com in small letters and without a path, or *.",
  );

const cors = interceptor({
  type: "cors",
  category: "security",
  description:
    "Lets web pages of other origins call. On the request it answers preflights with 204 before anything behind it, and its headers go on every answer. On the response it adds the headers alone. Runs on answers of refused calls too.",
  stages: onBoth,
  scopes: beforePlans,
  config: z
    .strictObject({
      origins: z
        .array(origin)
        .min(1)
        .max(100)
        .meta({ description: "Origins of the pages, or * for all.", example: ["https://app.example.com"] }),
      methods: names("Methods; those of the resource if there are none.", ["GET", "POST"], token),
      headers: names("Headers that pages may send besides the simple ones.", ["authorization"], token),
      exposed: names("Headers of the answer that pages may read.", ["x-ratelimit-remaining"], token),
      credentials: flag("Whether pages may send cookies and the like. Not for all origins.", false),
      maxAge: whole("Seconds for which browsers remember a preflight.", 0, 86_400, 600),
    })
    .superRefine(({ origins, credentials }, check) => {
      if (!credentials || !origins.includes("*")) return;
      const message = "Credentials are not for all origins. Name the origins in place of *.";
      check.addIssue({ code: "custom", path: ["credentials"], message, params: { code: "CORS_TOO_WIDE" } });
    }),
});

export { clientId, clientIdSecret, cors, requestSize };
