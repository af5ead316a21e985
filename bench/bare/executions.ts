/** Holds a document per object and answers what is to be shown of it: no more than that an execution could do with. */
import { DurableObject } from "cloudflare:workers";

interface BareEnv {
  EXECUTION: DurableObjectNamespace<BareDocument>;
  /** JSON: what is kept and shown behind the start and behind each submit. */
  DOCUMENTS: string;
}

interface Document {
  readonly kept: string;
  readonly shown: string;
}

const json = { "content-type": "application/json" };

export default {
  async fetch(request, env): Promise<Response> {
    const [, action, id = crypto.randomUUID(), nth = "0"] = new URL(request.url).pathname.split("/");
    const object = env.EXECUTION.getByName(id);
    if (action === "read") return new Response(await object.read(), { headers: json });
    await request.json();
    if (action === "submit") return new Response(await object.write(Number(nth)), { headers: json });
    await object.begin();
    return Response.json({ uuid: id, uri: `/read/${id}` }, { status: 201 });
  },
} satisfies ExportedHandler<BareEnv>;

export class BareDocument extends DurableObject<BareEnv> {
  readonly #documents = JSON.parse(this.env.DOCUMENTS) as Document[];

  begin(): void {
    const { kept, shown } = this.#documents[0]!;
    this.ctx.storage.sql.exec("CREATE TABLE document (kept TEXT, shown TEXT)");
    this.ctx.storage.sql.exec("INSERT INTO document VALUES (?, ?)", kept, shown);
  }

  write(nth: number): string {
    const { kept, shown } = this.#documents[nth]!;
    this.ctx.storage.sql.exec("UPDATE document SET kept = ?, shown = ?", kept, shown);
    return shown;
  }

  read(): string {
    return this.ctx.storage.sql.exec<{ shown: string }>("SELECT shown FROM document").one().shown;
  }
}
