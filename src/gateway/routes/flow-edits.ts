import { z } from "@hono/zod-openapi";
import type { Context as HonoContext } from "hono";

import type { HttpEnv } from "../../identity/context.ts";
import { send } from "../../platform/http.ts";
import { findingsOf } from "../api-findings.ts";
import { draftTag } from "../drafts.ts";
import type { ScopeEdited } from "../edit-flow.ts";
import { ScopeMeta, ScopeView } from "./flow-schemas.ts";

export const known = [
  "INVALID_ID",
  "INVALID_PARAMETER",
  "FLOW_NOT_FOUND",
  "API_NOT_FOUND",
  "API_SCOPE_NOT_FOUND",
] as const;
export const edited = ["INVALID_API", "PRECONDITION_FAILED", "DRAFT_CONFLICT", "BODY_TOO_LARGE"] as const;
export const path = "/apis/{id}/flows/{resource}/{operation}";
export const allOf = "`all` stands for all resources, and for all operations of one.";

export const EditedAnswer = z
  .object({ data: ScopeView, meta: ScopeMeta })
  .meta({ id: "ApiScopeEditedAnswer", description: "The flow of a scope after an edit, and what the edit meant." });

export const sendEdited = (c: HonoContext<HttpEnv>, { state, scope, changed }: ScopeEdited): never =>
  send(c, {
    status: 200,
    etag: draftTag(state),
    body: JSON.stringify({ data: scope, meta: { changed, warnings: findingsOf(state.warnings) } }),
  });

export const ifMatch = (c: HonoContext<HttpEnv>) => ({ ifMatch: c.req.header("if-match") });
