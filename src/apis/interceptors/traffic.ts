import { z } from "zod";

import { flag } from "../fields.ts";
import { ranges } from "../ranges.ts";
import { everywhere, interceptor, onRequest } from "./interceptor.ts";

const by = z.enum(["total", "ip", "app"]).default("total").meta({
  description:
    "Whose calls are counted together: of all callers, of each address (of IPv6: each network of 64 bits), or of each app. Calls of which the app is not known count together. Default total.",
  example: "app",
});

const rateLimit = interceptor({
  type: "rateLimit",
  category: "traffic",
  description:
    "Counts the calls of an interval and refuses those above a number with 429 and Retry-After. Intervals are those of the clock and the calendar, in UTC.",
  stages: onRequest,
  scopes: everywhere,
  keeps: "counter",
  config: z
    .strictObject({
      calls: z.int().min(1).max(1_000_000_000).meta({ description: "Calls in an interval.", example: 300 }),
      interval: z
        .enum(["second", "minute", "hour", "day", "month"])
        .meta({ description: "The interval.", example: "minute" }),
      by,
      soft: flag("Whether some more calls are let through.", false),
      softPercent: z.int().min(1).max(1000).optional().meta({
        description:
          "How many more, in percent of the calls, rounded down: 300 and 30 % let 390 through. With soft only.",
        example: 30,
      }),
      quotaHeaders: flag("Whether answers have X-RateLimit-Limit, -Remaining and -Reset.", false),
    })
    .superRefine(({ soft, softPercent }, check) => {
      if (soft === (softPercent !== undefined)) return;
      const message = soft
        ? "A soft limit requires softPercent, such as 30."
        : "softPercent says how soft a limit is. Turn soft on, or leave it out.";
      check.addIssue({ code: "custom", path: ["softPercent"], message, params: { code: "SOFT_LIMIT_INVALID" } });
    }),
});

const spikeArrest = interceptor({
  type: "spikeArrest",
  category: "traffic",
  description:
    "Keeps calls apart: between two that are let through lies at least interval / limit. What comes too early is refused with 429. 1 a second, 60 a minute and 3600 an hour are the same.",
  stages: onRequest,
  scopes: everywhere,
  keeps: "counter",
  config: z.strictObject({
    limit: z.int().min(1).max(1_000_000).meta({ description: "Calls in an interval.", example: 60 }),
    interval: z.enum(["second", "minute", "hour"]).meta({ description: "The interval.", example: "minute" }),
    by,
  }),
});

const ipFilter = interceptor({
  type: "ipFilter",
  category: "traffic",
  description:
    "Lets calls through or refuses them (403) by the address of the caller. Several in a row all count. Who calls is what Cloudflare saw, or what a proxy of settings.trustedProxies says. A caller whose address is not known is refused.",
  stages: onRequest,
  scopes: everywhere,
  config: z.strictObject({
    list: z
      .enum(["allow", "block"])
      .meta({ description: "allow: only these addresses call. block: these do not.", example: "allow" }),
    addresses: ranges("Addresses and ranges (CIDR), IPv4 and IPv6.", 1000),
  }),
});

export { ipFilter, rateLimit, spikeArrest };
