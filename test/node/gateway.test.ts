import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { createServer as createRawServer, type AddressInfo, type Server as RawServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, expect, it, vi } from "vitest";

import { end, freePort, serve, untilReady, type Served } from "../../scripts/stack.ts";
import { signToken } from "../../scripts/token.ts";
import { migrateIn } from "./stack.ts";

const MIB = 1024 * 1024;
const sockets = new Set<Socket>();
let backend: Server;
let rude: RawServer;
let served: Served | undefined;
let base: string;
const secret = "the secret of a gateway with real backends";
const folder = mkdtempSync(join(tmpdir(), "flow-repository-gateway-"));

const portOf = (server: Server | RawServer): number => (server.address() as AddressInfo).port;
const listening = <T extends Server | RawServer>(server: T): Promise<T> =>
  new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve(server));
  });

/** Counts what is uploaded, and sends as many bytes as are asked for. */
const polite = () =>
  createServer((request, answer) => {
    const { pathname, searchParams } = new URL(request.url!, "http://x");
    if (pathname === "/up") {
      let bytes = 0;
      request.on("data", (chunk: Buffer) => (bytes += chunk.byteLength));
      request.on("end", () => answer.end(JSON.stringify({ bytes, length: request.headers["content-length"] })));
      return;
    }
    let left = Number(searchParams.get("mib"));
    answer.writeHead(200, { "content-length": left * MIB });
    const chunk = Buffer.alloc(MIB, "x");
    const more = (): void => {
      while (left > 0) {
        left -= 1;
        if (!answer.write(chunk)) return void answer.once("drain", more);
      }
      answer.end();
    };
    more();
  });

/** A WebSocket that greets and says again what it hears: frames of up to 125 bytes. */
const frame = (text: string): Buffer => Buffer.concat([Buffer.from([0x81, text.length]), Buffer.from(text)]);
function echo(socket: Socket, request: string): void {
  const key = /sec-websocket-key: (\S+)/i.exec(request)?.[1] ?? "";
  const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  socket.write(frame("welcome"));
  socket.on("data", (data: Buffer) => {
    if ((data[0]! & 15) !== 1) return void socket.end();
    const mask = data.subarray(2, 6);
    const text = data.subarray(6, 6 + (data[1]! & 127)).map((byte, at) => byte ^ mask[at % 4]!);
    return void socket.write(frame(`again ${text.toString()}`));
  });
}

/** Misbehaves as the path says. */
const misbehaving: Record<string, (socket: Socket, request: string) => void> = {
  "/hang": () => undefined,
  "/reset": (socket) => socket.resetAndDestroy(),
  "/close": (socket) => socket.end(),
  "/garbage": (socket) => socket.end("this is no HTTP\r\n\r\n"),
  "/short": (socket) => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly this"),
  "/stall": (socket) => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly this"),
  "/socket": echo,
  "/long": (socket) => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfour and more"),
};

const to = (url: string, more: object = {}) => ({
  all: { request: [], response: [], destination: { url, timeout: 0.3 }, ...more },
  operations: {},
});

beforeAll(async () => {
  backend = await listening(polite());
  rude = await listening(
    createRawServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.once("data", (data: Buffer) => {
        const request = data.toString("latin1");
        misbehaving[request.split(" ")[1]!]?.(socket, request);
      });
    }),
  );
  const settings = {
    ENVIRONMENT: "development",
    IAM_JWT_SECRET: secret,
    CURSOR_SECRET: secret,
    LOG_LEVEL: "silent",
    HTTP_ALLOW_PRIVATE: "true",
  };
  const vars = join(folder, "vars");
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`);
  writeFileSync(vars, lines.join(""));
  await migrateIn(folder);
  const port = await freePort();
  const options = ["--persist-to", folder, "--env-file", vars, "--inspector-port", String(await freePort())];
  served = serve(port, [...options, "--log-level", "none"], "ignore");
  const origin = `http://127.0.0.1:${port}`;
  await untilReady(origin, served);
  const permissions = ["flows.read", "flows.write", "flows.control"];
  const authorization = `Bearer ${await signToken(secret, { sub: "alice", permissions })}`;
  const send = async (method: string, path: string, body?: object) => {
    const headers = { authorization, "content-type": "application/json" };
    const answer = await fetch(origin + path, { method, headers, ...(body && { body: JSON.stringify(body) }) });
    return (await answer.json()) as { data?: { id: string; status: string } };
  };
  const gone = await listening(createRawServer());
  const nobody = portOf(gone);
  await new Promise((resolve) => gone.close(resolve));
  const operations = [
    { id: "get", method: "GET" },
    { id: "post", method: "POST" },
  ];
  const reads = { type: "condition", config: { expression: "true", readsBody: true, variable: "x" } };
  const paths = ["up", "down"].map((id) => ({ id, path: `/${id}`, operations }));
  const rudePaths = Object.keys(misbehaving).flatMap((path) => [
    { id: path.slice(1), path, operations },
    { id: `read-${path.slice(1)}`, path: `/read${path}`, operations },
  ]);
  const api = {
    basePath: "/real",
    resources: [...paths, ...rudePaths, { id: "nobody", path: "/nobody", operations }],
    flows: {
      all: { request: [], response: [], destination: { url: `http://127.0.0.1:${portOf(backend)}`, timeout: 30 } },
      resources: {
        ...Object.fromEntries(
          Object.keys(misbehaving).flatMap((path) => [
            [path.slice(1), to(`http://127.0.0.1:${portOf(rude)}${path}`)],
            [
              `read-${path.slice(1)}`,
              to(`http://127.0.0.1:${portOf(rude)}${path}`, { response: [{ ...reads, id: `reads-${path.slice(1)}` }] }),
            ],
          ]),
        ),
        nobody: to(`http://127.0.0.1:${nobody}/`),
      },
    },
  };
  const added = await send("POST", "/flows", { name: "Real", kind: "api", api });
  if (added.data === undefined) throw new Error(JSON.stringify(added));
  const { id } = added.data;
  await send("POST", `/flows/${id}/start`);
  const isActive = async () => {
    expect((await send("GET", `/flows/${id}`)).data?.status).toBe("active");
  };
  await vi.waitFor(isActive, { timeout: 15_000, interval: 25 });
  base = `${origin}/gateway/real`;
}, 60_000);
afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  backend?.close();
  rude?.close();
  if (served !== undefined) {
    end(served);
    await served.ended;
  }
  rmSync(folder, { recursive: true, force: true });
});

const runtimes = () => {
  const processes = readdirSync("/proc").flatMap((pid) => {
    try {
      const status = readFileSync(`/proc/${pid}/status`, "utf8");
      const told = (name: string) => new RegExp(`^${name}:\\s*(\\S+)`, "m").exec(status)?.[1];
      return [{ pid, parent: told("PPid")!, isRuntime: told("Name") === "workerd", most: Number(told("VmHWM") ?? 0) }];
    } catch {
      return [];
    }
  });
  const family = new Set([String(served!.process.pid)]);
  for (let size = 0; size < family.size;) {
    size = family.size;
    for (const { pid, parent } of processes) if (family.has(parent)) family.add(pid);
  }
  return processes.filter(({ pid, isRuntime }) => isRuntime && family.has(pid));
};

/** The most memory that the runtime's processes have had since it was asked last, in MiB. */
function memory(): number {
  const own = runtimes();
  for (const { pid } of own) writeFileSync(`/proc/${pid}/clear_refs`, "5");
  return own.reduce((sum, { most }) => sum + most / 1024, 0);
}

it("a body of 50 MB goes up and down as a stream, in constant memory", async () => {
  const warm = Buffer.alloc(MIB, "y");
  const upload = (mib: number): Promise<Response> => {
    let left = mib;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (left === 0) return controller.close();
        left -= 1;
        return controller.enqueue(new Uint8Array(warm));
      },
    });
    return fetch(`${base}/up`, { method: "POST", body, duplex: "half" } as RequestInit);
  };
  const download = async (mib: number): Promise<number> => {
    const answer = await fetch(`${base}/down?mib=${mib}`);
    let bytes = 0;
    for await (const chunk of answer.body!) bytes += chunk.byteLength;
    return bytes;
  };
  await upload(2);
  await download(2);
  expect(memory()).toBeGreaterThan(0);
  const before = memory();
  expect(await (await upload(50)).json()).toMatchObject({ bytes: 50 * MIB });
  const whole = await fetch(`${base}/up`, { method: "POST", body: Buffer.alloc(50 * MIB, "z") });
  expect(await whole.json()).toEqual({ bytes: 50 * MIB, length: String(50 * MIB) });
  expect(await download(50)).toBe(50 * MIB);
  expect(memory() - before).toBeLessThan(30);
});

const told = async (path: string): Promise<string> => {
  const answer = await fetch(base + path);
  const text = await answer.text();
  return `${answer.status} ${/"code":"(\w+)"/.exec(text)?.[1] ?? text}`;
};

it.each([
  ["hangs", "/hang", "502 DESTINATION_TIMEOUT"],
  ["resets", "/reset", "502 DESTINATION_UNREACHABLE"],
  ["closes without an answer", "/close", "502 DESTINATION_UNREACHABLE"],
  ["answers no HTTP", "/garbage", "502 DESTINATION_UNREACHABLE"],
  ["is not there", "/nobody", "502 DESTINATION_UNREACHABLE"],
  ["says it is shorter than it is", "/long", "200 four"],
])("a backend that %s", async (_, path, expected) => {
  expect(await told(path)).toBe(expected);
});

it("an answer that breaks off is never told as whole: passed on, it breaks off; read, it is 502", async () => {
  await expect(told("/short")).rejects.toThrow("terminated");
  expect(await told("/read/short")).toBe("502 ANSWER_BROKEN");
  expect(await told("/read/stall")).toBe("502 DESTINATION_TIMEOUT");
});

it("a WebSocket goes through, in both directions", async () => {
  const socket = new WebSocket(`${base.replace("http:", "ws:")}/socket`);
  const heard: string[] = [];
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener("error", () => reject(new Error("The socket failed.")));
    socket.addEventListener("message", ({ data }) => {
      heard.push(String(data));
      if (heard.length === 1) socket.send("hello");
      else resolve();
    });
  });
  socket.close();
  expect(heard).toEqual(["welcome", "again hello"]);
});
