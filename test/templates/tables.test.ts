import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";

import { newId, someone } from "../support/given.ts";
import { edit, instanceOf, templateOf } from "./given.ts";

const run = (text: string, ...values: unknown[]) =>
  env.DB.prepare(text)
    .bind(...values)
    .run();

const followed = async (template: string) =>
  (
    await env.DB.prepare(
      "SELECT flows.id AS id, made.revision AS revision FROM template_instances AS made JOIN flows USING (pos) WHERE template_id = ? ORDER BY pos",
    )
      .bind(template)
      .all<{ id: string; revision: number }>()
  ).results.map(({ id, revision }) => [id, revision]);

describe("what triggers keep of instances", () => {
  it("follows the flows, whatever changes them", async () => {
    const caller = await someone();
    const [template, other] = [await templateOf(caller), await templateOf(caller)];
    await edit(caller, template, { name: "Two" });
    const [one, two] = [await instanceOf(caller, template), await instanceOf(caller, template)];
    expect(await followed(template)).toEqual([
      [one, 2],
      [two, 2],
    ]);
    const set = (id: string, change: string, ...values: unknown[]) =>
      run(`UPDATE flows SET document = ${change}, revision = revision + 1 WHERE id = ?1`, id, ...values);
    await set(one, "json_set(document, '$.instance.revision', 1)");
    expect(await followed(template)).toEqual([
      [one, 1],
      [two, 2],
    ]);
    await set(one, "json_set(document, '$.fromTemplate', ?2)", other);
    expect([await followed(template), await followed(other)]).toEqual([[[two, 2]], [[one, 1]]]);
    await set(one, "json_remove(document, '$.instance')");
    expect(await followed(other)).toEqual([]);
    await run("DELETE FROM flows WHERE id = ?", two);
    expect(await followed(template)).toEqual([]);
  });

  it("refuses an instance of what is not there", async () => {
    const caller = await someone();
    const template = await templateOf(caller);
    const id = await instanceOf(caller, template);
    const move = (change: string, value: unknown) =>
      run(`UPDATE flows SET document = ${change}, revision = revision + 1 WHERE id = ?1`, id, value);
    await expect(move("json_set(document, '$.instance.revision', ?2)", 2)).rejects.toThrow(/revision of the template/);
    await expect(move("json_set(document, '$.fromTemplate', ?2)", newId())).rejects.toThrow(/revision of the template/);
    await expect(run("DELETE FROM templates WHERE id = ?", template)).rejects.toThrow(/has instances/);
    expect(await followed(template)).toEqual([[id, 1]]);
  });

  it("keeps revisions of templates without their owners, and drops all with the template", async () => {
    const caller = await someone();
    const template = await templateOf(caller);
    await edit(caller, template, { name: "Two" });
    const kept = async (table: string) =>
      (await env.DB.prepare(`SELECT * FROM ${table} WHERE template_id = ?`).bind(template).all()).results;
    const revisions = await kept("template_revisions");
    expect(revisions).toHaveLength(2);
    for (const { document } of revisions as { document: string }[]) {
      expect(JSON.parse(document)).not.toHaveProperty("owners");
      expect(document).not.toContain(caller.sub);
    }
    await caller.call("deleteTemplate", { params: { id: template } });
    expect([await kept("template_revisions"), await kept("template_readers")]).toEqual([[], []]);
  });
});
