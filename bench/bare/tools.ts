/** Runs SQL for the harness through the same database object that the measured Workers use. */
export default {
  async fetch(request: Request, env: { DB: D1Database }): Promise<Response> {
    const asked = request.method === "POST" ? await request.json<Asked[]>() : [{ sql: "SELECT 1" }];
    const results = await env.DB.batch(asked.map(({ sql, params = [] }) => env.DB.prepare(sql).bind(...params)));
    return Response.json(results);
  },
};

interface Asked {
  readonly sql: string;
  readonly params?: readonly unknown[];
}
