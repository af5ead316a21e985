import { z } from "zod";

/** As the original's models have it; its `tenant` and `startedBy` are ids of IAM. */
const objectId = z.string().regex(/^[0-9a-f]{24}$/iu, "is no ObjectId (24 hex digits)");
const filled = z.string().min(1);

const graph = z.looseObject({
  nodes: z.array(z.looseObject({ id: filled, componentId: filled, function: filled })),
  edges: z.array(z.looseObject({ source: filled, target: filled })).nullish(),
});

const startable = z.object({
  id: objectId,
  tenant: objectId.nullish(),
  graph: graph,
  startedBy: objectId.nullish(),
});

const hookable = startable.extend({
  flowSettings: z
    .object({
      webhooks: z
        .object({
          hmacAuthSecret: objectId.nullish(),
          requireWebhookAuth: z.boolean().nullish(),
          hmacHeaderKey: z.string().nullish(),
          hmacAlgorithm: z.string().nullish(),
          allTenantUsers: z.boolean().nullish(),
        })
        .nullish(),
    })
    .nullish(),
  owners: z.array(z.object({ id: filled, type: filled })).nullish(),
});

const named = z.object({ id: objectId });
const timed = z.object({ cron: z.string().nullish() });
const scheduled = z.object({ id: objectId, graph, cron: filled });

const logged = z.object({
  headers: z.object({ name: filled, serviceName: filled, createdAt: z.number() }),
  payload: z.looseObject({ user: filled, flowId: objectId }),
});

export type Startable = z.infer<typeof startable>;
export type Hookable = z.infer<typeof hookable>;
export type Scheduled = z.infer<typeof scheduled>;
export type Logged = z.infer<typeof logged>;

/** Reads what came, or says each fault with its field. */
const reader =
  <T>(schema: z.ZodType<T>) =>
  (came: unknown): T => {
    const read = schema.safeParse(came);
    if (read.success) return read.data;
    throw new Error(
      read.error.issues.map(({ path, message }) => `${path.join(".") || "payload"}: ${message}`).join("; "),
    );
  };

export const readStartable = reader<Startable>(startable);
export const readHookable = reader<Hookable>(hookable);
export const readScheduled = reader<Scheduled>(scheduled);
export const readLogged = reader<Logged>(logged);
export const readId = (came: unknown): string => reader(named)(came).id;
export const hasCron = (came: unknown): boolean => Boolean(reader(timed)(came).cron);
