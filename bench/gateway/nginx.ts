/** nginx as a proxy to the same backend, where it is installed: what a call costs a proxy that is written for it alone. */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";

import { pause } from "../machine.ts";
import { newFolder, removeFolder } from "../serve.ts";

export const howToInstall = "nginx is not installed, so it is not measured. On Debian: apt-get install nginx";

export interface Nginx {
  readonly port: number;
  readonly version: string;
  /** Master and worker. */
  readonly pids: readonly number[];
  readonly end: () => Promise<void>;
}

/** The binary; services of a distribution stand where users do not look. */
export const nginxBinary = (): string | undefined =>
  [...(process.env["PATH"] ?? "").split(":"), "/usr/sbin", "/usr/local/sbin"]
    .map((folder) => join(folder, "nginx"))
    .find((file) => existsSync(file));

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });

const configOf = (folder: string, port: number, backend: number): string => `
worker_processes 1;
daemon off;
pid ${folder}/nginx.pid;
error_log stderr crit;
events { worker_connections 4096; }
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  keepalive_requests 1000000000;
  upstream backend {
    server 127.0.0.1:${backend};
    keepalive 64;
    keepalive_requests 1000000000;
  }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://backend;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }
  }
}
`;

const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number);

const MOST_WAIT_MS = 5000;

/** Begins a server with one worker in a folder of its own. */
export async function beginNginx(binary: string, backend: number): Promise<Nginx> {
  const folder = newFolder();
  const port = await freePort();
  const file = join(folder, "nginx.conf");
  writeFileSync(file, configOf(folder, port, backend));
  const child = spawn(binary, ["-c", file, "-p", folder, "-e", "stderr"], { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => (said = (said + chunk.toString()).slice(-2000)));
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()).once("error", () => resolve()));
  const forced = (): void => void child.kill("SIGTERM");
  process.once("exit", forced);
  const deadline = Date.now() + MOST_WAIT_MS;
  const answers = () => fetch(`http://127.0.0.1:${port}/`).catch(() => undefined);
  for (let answer = await answers(); !answer?.ok; answer = await answers()) {
    if (child.exitCode !== null || Date.now() > deadline) {
      forced();
      throw new Error(`nginx does not answer: ${answer?.status ?? ""} ${said}`);
    }
    await pause(50);
  }
  const pid = child.pid!;
  return {
    port,
    version: spawnSync(binary, ["-v"], { encoding: "utf8" }).stderr.trim(),
    pids: [pid, ...childrenOf(pid)],
    end: async () => {
      child.kill("SIGTERM");
      await ended;
      process.off("exit", forced);
      removeFolder(folder);
    },
  };
}
