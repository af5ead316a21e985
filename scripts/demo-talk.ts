/** An answer as the demos read it. */
export interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

/** Talks to a Worker and shows what is said. */
export class Demo {
  readonly base: string;
  readonly #token: string;

  constructor(base: string, token: string) {
    this.base = base;
    this.#token = token;
  }

  async call(method: string, path: string, expected: number, body?: unknown, shown = true): Promise<Answer> {
    const response = await fetch(this.base + path, {
      method,
      headers: {
        authorization: `Bearer ${this.#token}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const answer: Answer = { status: response.status, body: (await response.json()) as Answer["body"] };
    if (shown) {
      console.log(`\n> ${method} ${path}${body === undefined ? "" : ` ${JSON.stringify(body)}`}`);
      console.log(`< ${answer.status} ${JSON.stringify(answer.body)}`);
    }
    if (answer.status !== expected) {
      throw new Error(`${method} ${path} answered ${answer.status}, expected was ${expected}.`);
    }
    return answer;
  }

  /** Sends a text of a type. */
  async send(method: string, path: string, body: string, type: string, expected: number): Promise<Answer> {
    const headers = { authorization: `Bearer ${this.#token}`, "content-type": type };
    const response = await fetch(this.base + path, { method, headers, body });
    const answer: Answer = { status: response.status, body: (await response.json()) as Answer["body"] };
    console.log(`\n> ${method} ${path}\n${body.trimEnd().replaceAll(/^/gm, "  | ")}\n< ${answer.status}`);
    if (answer.status !== expected) {
      throw new Error(`${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    }
    return answer;
  }

  /** Calls an API through the gateway and asks for a trace. */
  through(url: string): Promise<Response> {
    console.log(`\n> GET ${url.slice(this.base.length)}`);
    return fetch(url, { headers: { "x-gateway-trace": this.#token } });
  }

  /** What stands at a path as soon as it is there. */
  async eventually<T>(path: string): Promise<T> {
    const headers = { authorization: `Bearer ${this.#token}` };
    for (let tries = 0; tries < 100; tries += 1) {
      const response = await fetch(this.base + path, { headers });
      const body = (await response.json()) as { data: T };
      if (response.status === 200) return body.data;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`${path} is not there after 5 seconds.`);
  }

  /** Stores a flow and answers its path. */
  async store(flow: unknown): Promise<string> {
    const { body } = await this.call("POST", "/flows", 201, flow);
    return `/flows/${(body["data"] as { id: string }).id}`;
  }

  /** Waits until what is at a path has a status. */
  async until(path: string, isThere: (status: string) => boolean, shown = true): Promise<Record<string, unknown>> {
    const deadline = Date.now() + 30_000;
    let seen = "";
    while (Date.now() < deadline) {
      const { body } = await this.call("GET", path, 200, undefined, false);
      const data = body["data"] as { status: string } & Record<string, unknown>;
      if (data.status !== seen) console.log(`  … ${(seen = data.status)}`);
      if (isThere(seen)) {
        if (shown) await this.call("GET", path, 200);
        return data;
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`${path} did not come to its status within 30 seconds; it is ${seen}.`);
  }
}
