import { spawn, type ChildProcess } from "node:child_process";
import { randomBytes, randomInt } from "node:crypto";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

import { connect } from "amqplib";

const packaged = "/usr/lib/rabbitmq/lib";

/**
 * Begins a command and says its process id. The command ends with whoever began it, however that one ends: when the pipe
 * to it closes, the command is killed and its folder removed. When the command ends by itself, the folder stays.
 */
const guard = `
folder=$1; shift
exec 3<&0
"$@" </dev/null >>"$folder/output" 2>&1 3<&- &
guarded=$!
{ read -r _ <&3; : >"$folder/over"; kill -KILL $guarded; } >/dev/null 2>&1 &
watch=$!
echo $guarded
wait $guarded
if [ -e "$folder/over" ]; then rm -rf "$folder"; fi
kill $watch
`;

export interface Broker {
  /** Where AMQP answers; stays the same over restarts. */
  readonly url: string;
  /** The process of the broker, while it runs. */
  readonly pid: number | undefined;
  /** Kills the broker where it stands; its data stays. */
  kill(): Promise<void>;
  /** Begins it again on the same data and port, and waits until AMQP answers. */
  start(): Promise<void>;
  /** Kills it and removes all it has left. */
  end(): Promise<void>;
}

/** The folder of RabbitMQ's applications, if RabbitMQ and Erlang are installed as Debian does it. */
function applicationsOf(): string | undefined {
  const paths = (process.env["PATH"] ?? "").split(delimiter);
  if (!existsSync(packaged) || !paths.some((path) => existsSync(join(path, "erl")))) return undefined;
  const server = readdirSync(packaged).find((name) => name.startsWith("rabbitmq_server-"));
  return server === undefined ? undefined : join(packaged, server, "plugins");
}

export function brokerInstalled(): boolean {
  return applicationsOf() !== undefined;
}

/** Why tests with a broker are left out here, unless BROKER=required demands that they fail instead. */
export function reasonToSkip(): string | undefined {
  if (brokerInstalled() || process.env["BROKER"] === "required") return undefined;
  return "no RabbitMQ is installed here";
}

/** The folders of what RabbitMQ stands on. Erlang looks through every folder for each module, so fewer are faster. */
function neededOf(applications: string): string[] {
  const folders = new Map(
    readdirSync(applications).map((folder) => [folder.slice(0, folder.lastIndexOf("-")), folder]),
  );
  const needed = new Set(["rabbit"]);
  for (const name of needed) {
    const about = readFileSync(join(applications, folders.get(name) ?? "", "ebin", `${name}.app`), "utf8");
    const below = /\{applications,\s*\[([^\]]*)\]/u.exec(about)?.[1] ?? "";
    for (const other of below.split(",").map((word) => word.trim())) if (folders.has(other)) needed.add(other);
  }
  return [...needed].flatMap((name) => folders.get(name) ?? []);
}

/** A free port below those that the system lends to outgoing connections: it is still free when a broker comes back. */
async function lastingPort(): Promise<number> {
  for (;;) {
    const port = randomInt(12_000, 32_000);
    const server = createServer();
    const free = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false)).listen(port, "127.0.0.1", () => resolve(true));
    });
    await new Promise((resolve) => server.close(resolve));
    if (free) return port;
  }
}

interface Place {
  readonly folder: string;
  readonly port: number;
  readonly innerPort: number;
  readonly node: string;
}

async function layOut(applications: string): Promise<Place> {
  const folder = mkdtempSync(join(tmpdir(), "flow-repository-broker-"));
  mkdirSync(join(folder, "applications"));
  for (const name of neededOf(applications)) symlinkSync(join(applications, name), join(folder, "applications", name));
  writeFileSync(join(folder, "plugins"), "[].\n");
  const node = `broker-${randomBytes(6).toString("hex")}@localhost`;
  return { folder, port: await lastingPort(), innerPort: await lastingPort(), node };
}

/** What Debian's scripts would set, without them: nothing of the machine's own broker is read or asked. */
const environmentOf = ({ folder, port, innerPort, node }: Place): Record<string, string> => ({
  PATH: process.env["PATH"] ?? "",
  LANG: "C.UTF-8",
  HOME: folder,
  ERL_LIBS: join(folder, "applications"),
  ERL_CRASH_DUMP_SECONDS: "0",
  // Nobody listens there. The node's port is told by a flag, so it needs no epmd and begins none.
  ERL_EPMD_PORT: "1",
  RABBITMQ_CONF_ENV_FILE: "/dev/null",
  RABBITMQ_CONFIG_FILE: join(folder, "none"),
  RABBITMQ_ADVANCED_CONFIG_FILE: join(folder, "none.config"),
  RABBITMQ_PLUGINS_DIR: join(folder, "applications"),
  RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, "plugins"),
  RABBITMQ_MNESIA_BASE: join(folder, "data"),
  RABBITMQ_LOG_BASE: join(folder, "logs"),
  RABBITMQ_LOGS: "-",
  RABBITMQ_LOG: "error",
  RABBITMQ_PID_FILE: join(folder, "pid"),
  RABBITMQ_NODENAME: node,
  RABBITMQ_NODE_IP_ADDRESS: "127.0.0.1",
  RABBITMQ_NODE_PORT: String(port),
  RABBITMQ_DIST_PORT: String(innerPort),
});

const commandOf = ({ innerPort, node }: Place): string[] =>
  [
    ["erl", "-noinput", "-boot", "start_sasl", "-s", "rabbit", "boot", "+W", "w", "+S", "1:1"],
    ["+sbwt", "none", "+sbwtdcpu", "none", "+sbwtdio", "none"],
    ["-sname", node, "-start_epmd", "false", "-erl_epmd_port", String(innerPort)],
    ["-kernel", "inet_dist_use_interface", "{127,0,0,1}", "-kernel", "prevent_overlapping_partitions", "false"],
    ["-syslog", "logger", "[]", "-syslog", "syslog_error_logger", "false"],
  ].flat();

interface Running {
  readonly pid: number;
  readonly guard: ChildProcess;
  readonly ended: Promise<unknown>;
}

async function launch(place: Place): Promise<Running> {
  const child = spawn("/bin/sh", ["-c", guard, "guard", place.folder, ...commandOf(place)], {
    cwd: place.folder,
    env: environmentOf(place),
    stdio: ["pipe", "pipe", "ignore"],
    // Ctrl-C is for the tests; the guard has to outlive them.
    detached: true,
  });
  const ended = once(child, "exit");
  const [said] = (await once(child.stdout, "data")) as [Buffer];
  return { pid: Number(said.toString()), guard: child, ended };
}

/** Waits until AMQP answers; fails when the broker ends first or takes more than a minute. */
async function untilAnswering(url: string, { folder }: Place, running: Running): Promise<void> {
  const attempts = await connect(url, { recovery: { waitForConnect: false, calculateDelay: () => 20 } });
  attempts.on("error", () => undefined);
  const limit = AbortSignal.timeout(60_000);
  const slow = once(limit, "abort").then(() => "The broker did not answer within a minute.");
  const over = running.ended.then(() => "The broker ended as it began.");
  const trouble = await Promise.race([attempts.waitForConnect().then(() => undefined), over, slow]);
  await Promise.race([attempts.close(), running.ended]);
  if (trouble === undefined) return;
  const said = readFileSync(join(folder, "output"), "utf8").slice(-2000);
  throw new Error(`${trouble}\n${said}`);
}

/** A broker of its own, that shares nothing with others on this machine. It ends with this process at the latest. */
export async function startBroker(): Promise<Broker> {
  const applications = applicationsOf();
  if (applications === undefined) throw new Error(`There is no RabbitMQ in ${packaged}, or no erl on the PATH.`);
  const place = await layOut(applications);
  const url = `amqp://guest:guest@127.0.0.1:${place.port}`;
  let running: Running | undefined;
  // While it runs, its guard cleans up after it.
  const cleanUp = (): void => {
    if (running === undefined) rmSync(place.folder, { recursive: true, force: true });
  };
  process.once("exit", cleanUp);

  const kill = async (): Promise<void> => {
    if (running === undefined) return;
    const { pid, ended } = running;
    running = undefined;
    process.kill(pid, "SIGKILL");
    await ended;
  };
  const end = async (): Promise<void> => {
    const last = running;
    running = undefined;
    last?.guard.stdin?.end();
    await last?.ended;
    process.off("exit", cleanUp);
    cleanUp();
  };
  const start = async (): Promise<void> => {
    if (running !== undefined) throw new Error("The broker runs already.");
    const begun = await launch(place);
    running = begun;
    begun.guard.once("exit", () => {
      if (running === begun) running = undefined;
    });
    try {
      await untilAnswering(url, place, begun);
    } catch (error) {
      await kill();
      throw error;
    }
  };
  try {
    await start();
  } catch (error) {
    await end();
    throw error;
  }
  return {
    url,
    kill,
    start,
    end,
    get pid() {
      return running?.pid;
    },
  };
}
