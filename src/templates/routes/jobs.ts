import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";

import type { HttpEnv } from "../../identity/context.ts";
import { bodyErrors, refusals, repeatErrors, requirePermission, secured } from "../../identity/http.ts";
import { idempotencyHeader, repeatable } from "../../identity/idempotency.ts";
import { withNeighbours } from "../../neighbours/http.ts";
import { bodyIfAny, documentedBody, json, parsed } from "../../platform/http.ts";
import { Job, JobInstance, jobIdPattern, outcomes } from "../job-model.ts";
import { beginJob, getJob, steerJob, UpgradeInput } from "../jobs.ts";
import { TemplateParams } from "./schemas.ts";

const tags = ["Templates"];

const JobParams = TemplateParams.extend({
  job: z
    .string()
    .regex(jobIdPattern, "Use the id of a job.")
    .openapi({
      param: { name: "job", in: "path" },
      description: "Id of the job.",
      example: "job_5ca5c44c187c040010a9bb8d00000000",
    }),
});

const meta = z.object({}).meta({ description: "Always empty here." });
const JobAnswer = z.object({ data: Job, meta }).meta({ id: "JobAnswer", description: "How a job stands." });
const JobView = z
  .object({
    data: Job.extend({ instances: z.array(JobInstance).meta({ description: "The instances of this page." }) }).meta({
      id: "JobWithInstances",
      description: "A job and what became of each instance.",
    }),
    meta: z
      .object({
        after: z
          .int()
          .nullable()
          .meta({ description: "Ask with this number for the next page; null on the last.", example: null }),
      })
      .meta({ description: "Where this page stands." }),
  })
  .meta({ id: "JobViewAnswer", description: "How a job stands, instance by instance." });

const ofBeginning = ["INVALID_ID", "TEMPLATE_NOT_FOUND", "JOB_UNAVAILABLE", ...repeatErrors] as const;

const ofSight = ["REFERENCES_NOT_VISIBLE", "NEIGHBOUR_UNAVAILABLE"] as const;

const upgradeRoute = createRoute({
  method: "post",
  path: "/templates/{id}/upgrade",
  operationId: "upgradeInstances",
  tags,
  summary: "Upgrade instances to the newest revision",
  description:
    "Begins a job that moves all instances which you or your tenant own, or those you name, to the template's newest revision. Each one's values are checked first; one whose values do not fit is left as it was, and so is one that runs, unless `restart` is asked for. Needs the permission `flows.write`, and `flows.control` to restart: then, where neighbours are set, you must see what the template's graph refers to.",
  ...secured("flows.write", bodyIfAny, repeatable, withNeighbours),
  parameters: [idempotencyHeader],
  request: {
    params: TemplateParams,
    body: { ...documentedBody("UpgradeInput", "Which instances, and how."), required: false },
  },
  responses: { 202: json(JobAnswer, "The job has begun."), ...refusals(...ofBeginning, ...ofSight, ...bodyErrors) },
});

const control = (verb: "start" | "stop") =>
  createRoute({
    method: "post",
    path: `/templates/{id}/${verb}`,
    operationId: `${verb}Instances`,
    tags,
    summary: `${verb === "start" ? "Start" : "Stop"} all instances`,
    description: `Begins a job that ${verb}s all instances which you or your tenant own, as \`POST /flows/{id}/${verb}\` does. Needs the permission \`flows.control\`.`,
    ...secured("flows.control", repeatable, ...(verb === "start" ? [withNeighbours] : [])),
    parameters: [idempotencyHeader],
    request: { params: TemplateParams },
    responses: {
      202: json(JobAnswer, "The job has begun."),
      ...refusals(...ofBeginning, ...(verb === "start" ? ofSight : [])),
    },
  });

const ofJob = ["INVALID_ID", "INVALID_PARAMETER", "TEMPLATE_NOT_FOUND", "JOB_NOT_FOUND", "JOB_UNAVAILABLE"] as const;

const getRoute = createRoute({
  method: "get",
  path: "/templates/{id}/jobs/{job}",
  operationId: "getJob",
  tags,
  summary: "Watch a job",
  description:
    "How far a job is that you began, and what became of each instance. A job that is not through after 24 hours, paused or not, is cancelled. It is kept for 30 days after its end. Needs the permission `templates.read`.",
  ...secured("templates.read"),
  request: {
    params: JobParams,
    query: z.object({
      size: z
        .string()
        .regex(/^(?:[1-9]\d{0,2}|1000)$/, "Use a whole number from 1 to 1000.")
        .default("100")
        .meta({ description: "Instances per page: a whole number from 1 to 1000.", example: "100" }),
      after: z
        .string()
        .regex(/^\d{1,9}$/, "Use the number of `meta`.")
        .default("0")
        .meta({ description: "Only instances behind this number; it comes from `meta`.", example: "0" }),
      "filter[outcome]": z
        .enum(outcomes, { error: `Use one of ${outcomes.join(", ")}.` })
        .optional()
        .meta({ description: "Only instances of this outcome.", example: "skipped" }),
    }),
  },
  responses: { 200: json(JobView, "The job."), ...refusals(...ofJob) },
});

const steering = {
  pause: ["paused", "Pause a job", "It stops after the instances that it is at."],
  resume: [
    "running",
    "Have a job go on",
    "It goes on where it was. If you began it, it has 24 hours again and uses the rights that you have now, though it never comes to reach more than you and your tenant own unless an admin began it; if you did not, it goes on in the name of who began it. A job that starts and stops flows needs the permission `flows.control` as well.",
  ],
  cancel: [
    "cancelled",
    "End a job",
    "What is done stays done; instances that were stopped to be upgraded stay stopped.",
  ],
} as const;

const steer = (verb: keyof typeof steering) =>
  createRoute({
    method: "post",
    path: `/templates/{id}/jobs/{job}/${verb}`,
    operationId: `${verb}Job`,
    tags,
    summary: steering[verb][1],
    description: `${steering[verb][2]} Only for who began it, and admins. Needs the permission \`flows.write\`.`,
    ...secured("flows.write"),
    request: { params: JobParams },
    responses: { 200: json(JobAnswer, "How it stands then."), ...refusals(...ofJob, "JOB_ENDED") },
  });

export const jobRoutes = new OpenAPIHono<HttpEnv>();

jobRoutes
  .openapi(upgradeRoute, async (c) => {
    const { context: ctx, body } = c.var;
    const { instances, restart } = parsed(UpgradeInput, body);
    if (restart === true) requirePermission(ctx, "flows.control");
    const wanted = { kind: "upgrade", instances, restart } as const;
    return c.json({ data: await beginJob(ctx, c.env.TEMPLATE_JOB, c.req.valid("param").id, wanted), meta: {} }, 202);
  })
  .openapi(getRoute, async (c) => {
    const { id, job } = c.req.valid("param");
    const { after, size, "filter[outcome]": outcome } = c.req.valid("query");
    const page = { after: Number(after), size: Number(size), outcome };
    return c.json(await getJob(c.var.context, c.env.TEMPLATE_JOB, id, job, page), 200);
  });

for (const kind of ["start", "stop"] as const) {
  jobRoutes.openapi(control(kind), async (c) => {
    const data = await beginJob(c.var.context, c.env.TEMPLATE_JOB, c.req.valid("param").id, { kind });
    return c.json({ data, meta: {} }, 202);
  });
}

for (const verb of ["pause", "resume", "cancel"] as const) {
  jobRoutes.openapi(steer(verb), async (c) => {
    const { id, job } = c.req.valid("param");
    const data = await steerJob(c.var.context, c.env.TEMPLATE_JOB, id, job, steering[verb][0]);
    return c.json({ data, meta: {} }, 200);
  });
}
