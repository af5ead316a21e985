import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";

import { connect } from "amqplib";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";

import { reasonToSkip, startBroker, type Broker } from "./support/broker.ts";
import {
  captureBus,
  startAnsweringService,
  startRealOrchestrator,
  type Capture,
  type RealOrchestrator,
} from "./support/orchestrator.ts";
import { joinBus, type BusEvent } from "./support/original.ts";

const reason = reasonToSkip();
if (reason !== undefined) process.stderr.write(`The tests with a broker are left out: ${reason}.\n`);
const patience = { timeout: 20_000, interval: 10 };

const hex = (number: number): string => number.toString(16).padStart(24, "0");
const unknownComponent = hex(0xbad);
const command = (number: number, more: object = {}): object => ({
  id: hex(number),
  tenant: hex(70),
  startedBy: hex(71),
  owners: [{ id: hex(71), type: "user" }],
  graph: { nodes: [{ id: "n1", componentId: hex(80), function: "f" }] },
  ...more,
});

const runs = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

/** Publishes as the original's repository does, and waits until the broker has it. */
async function publishing(url: string) {
  const connection = await connect(url);
  connection.on("error", () => undefined);
  const channel = await connection.createConfirmChannel();
  await channel.assertExchange("event-bus", "topic");
  const publish = async (name: string, payload: unknown): Promise<void> => {
    const headers = { name, createdAt: 1, serviceName: "flow-repository" };
    channel.publish("event-bus", name, Buffer.from(JSON.stringify({ headers, payload })), { persistent: true });
    await channel.waitForConfirms();
  };
  return { channel, publish, close: () => connection.close() };
}

describe.skipIf(reason !== undefined)(`a broker of one's own${reason === undefined ? "" : ` (${reason})`}`, () => {
  let folder: string;
  let broker: Broker;
  let capture: Capture;
  let real: RealOrchestrator;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "flow-repository-brokers-"));
    process.env["TMPDIR"] = folder;
    broker = await startBroker();
    [capture, real] = await Promise.all([
      captureBus(broker.url),
      startRealOrchestrator(broker.url, { knows: (id) => id !== unknownComponent }),
    ]);
  }, 60_000);

  afterAll(async () => {
    await broker?.end();
    rmSync(folder, { recursive: true });
  });

  it("answers on this machine only", async () => {
    const { port } = new URL(broker.url);
    const outer = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
    for (const { address, family, internal } of outer) {
      if (internal || family !== "IPv4") continue;
      await expect(connect(`amqp://guest:guest@${address}:${port}`)).rejects.toThrow("ECONNREFUSED");
    }
  });

  it("carries commands to the original's services and their reports back", async () => {
    const { publish, close } = await publishing(broker.url);
    onTestFinished(close);
    await publish("flow.starting", command(1));
    await publish("flow.starting", command(2, { cron: "*/5 * * * *" }));
    await publish("flow.starting", command(3, { tenant: "acme" }));
    await publish("flowrepo.flow.created", { tenant: "", user: hex(71), flowId: hex(1) });
    await expect.poll(() => capture.messages.length, patience).toBe(6);
    const read = capture.messages.map(({ routingKey, content, properties }) => {
      const { headers, payload } = JSON.parse(content.toString());
      expect(headers.name).toBe(routingKey);
      return [routingKey, payload.id ?? payload.flowId, headers.serviceName, properties.deliveryMode];
    });
    expect(read.filter(([name]) => name !== "flow.started")).toEqual([
      ["flow.starting", hex(1), "flow-repository", 2],
      ["flow.starting", hex(2), "flow-repository", 2],
      ["flow.starting", hex(3), "flow-repository", 2],
      ["flowrepo.flow.created", hex(1), "flow-repository", 2],
    ]);
    // The library publishes what a broker forgets.
    expect(read).toContainEqual(["flow.started", hex(1), "component-orchestrator", undefined]);
    expect(read).toContainEqual(["flow.started", hex(2), "component-orchestrator", undefined]);

    await expect
      .poll(() => [...real.flows.values()].map(({ status }) => status), patience)
      .toEqual(["started", "started"]);
    expect(real.commands.map(({ name, id }) => [name, id])).toEqual([
      ["flow.starting", hex(1)],
      ["flow.starting", hex(2)],
    ]);
    expect(real.refused).toMatchObject([{ name: "flow.starting", reason: expect.stringContaining("tenant") }]);
    expect(real.apps.map(({ flowId }) => flowId)).toEqual([hex(1), hex(2)]);
    await expect.poll(() => real.webhooks.flows.get(hex(1))?.status, patience).toBe("started");
    await expect.poll(() => real.scheduler.flows.get(hex(2))?.planned, patience).toBe(true);
    expect([...real.webhooks.flows.keys(), ...real.scheduler.flows.keys()]).toEqual([hex(1), hex(2)]);
    expect(real.webhooks.refused).toHaveLength(1);
    expect(real.auditLog.entries).toMatchObject([{ payload: { tenant: "", user: hex(71), flowId: hex(1) } }]);
  });

  it("fails a start whose component is unknown with each tick, until it is told to stop", async () => {
    const { publish, close } = await publishing(broker.url);
    onTestFinished(close);
    const failures = () => real.reports.filter(({ name, id }) => name === "flow.failed" && id === hex(4)).length;
    await publish(
      "flow.starting",
      command(4, { graph: { nodes: [{ id: "n1", componentId: unknownComponent, function: "f" }] } }),
    );
    await expect.poll(failures, patience).toBeGreaterThan(1);
    await publish("flow.stopping", { id: hex(4) });
    await expect.poll(() => real.reports.at(-1), patience).toEqual({ name: "flow.stopped", id: hex(4) });
    expect(real.flows.has(hex(4))).toBe(false);
  });

  it("keeps over its death what was durable and confirmed, and the services come back", async () => {
    const before = await publishing(broker.url);
    await before.channel.assertQueue("kept");
    await before.channel.bindQueue("kept", "event-bus", "kept.#");
    for (let number = 0; number < 20; number += 1) await before.publish("kept.message", { number });
    const { url, pid = 0 } = broker;
    const [killed] = await Promise.all([once(before.channel, "close"), broker.kill()]);
    expect([killed, runs(pid), broker.pid]).toEqual([[], false, undefined]);
    await expect(connect(url)).rejects.toThrow("ECONNREFUSED");

    await broker.start();
    expect(broker.url).toBe(url);
    expect(runs(broker.pid ?? 0)).toBe(true);
    const after = await publishing(url);
    onTestFinished(after.close);
    const numbers: number[] = [];
    for (;;) {
      const message = await after.channel.get("kept", { noAck: true });
      if (message === false) break;
      numbers.push(JSON.parse(message.content.toString()).payload.number);
    }
    expect(numbers).toEqual(Array.from({ length: 20 }, (_, number) => number));

    await after.publish("flow.stopping", { id: hex(2) });
    await expect.poll(() => real.reports.at(-1), patience).toEqual({ name: "flow.stopped", id: hex(2) });
    expect([...real.flows.keys()]).toEqual([hex(1)]);
    await expect.poll(() => real.scheduler.flows.size, patience).toBe(0);
    await expect.poll(() => capture.messages.at(-1)?.routingKey, patience).toBe("flow.stopped");
  });

  it("joins before it says so, and says why it cannot", async () => {
    const { channel, publish, close } = await publishing(broker.url);
    onTestFinished(close);
    const heard: unknown[] = [];
    const hears = async (event: BusEvent): Promise<void> => {
      heard.push(event.payload);
      await event.ack();
    };
    const service = await joinBus(broker.url, "fresh", { "fresh.message": hears }, []);
    onTestFinished(() => service.close());
    await publish("fresh.message", "at once");
    await expect.poll(() => heard, patience).toEqual(["at once"]);

    await channel.assertQueue("taken", { durable: false });
    const faults: string[] = [];
    const refused = joinBus(broker.url, "taken", { "fresh.message": hears }, faults);
    await expect(refused).rejects.toThrow("PRECONDITION_FAILED");
    expect(faults.join()).toContain("PRECONDITION_FAILED");
  });

  it("answers every command, repeated ones too", async () => {
    await real.close();
    const service = await startAnsweringService(broker.url);
    onTestFinished(() => service.close());
    const { publish, close } = await publishing(broker.url);
    onTestFinished(close);
    const from = capture.messages.length;
    for (const name of ["flow.starting", "flow.starting", "flow.stopping"]) await publish(name, command(5));
    await publish("flow.stopping", { id: hex(6) });
    await publish("flow.starting", null);
    const reports = () =>
      capture.messages
        .slice(from)
        .map(({ routingKey, content }) => [routingKey, JSON.parse(content.toString()).payload?.id])
        .filter(([name]) => name === "flow.started" || name === "flow.stopped");
    await expect.poll(reports, patience).toEqual([
      ["flow.started", hex(5)],
      ["flow.started", hex(5)],
      ["flow.stopped", hex(5)],
      ["flow.stopped", hex(6)],
    ]);
    expect(service.counts).toEqual({ starting: 2, stopping: 2, answered: 4, lost: 0 });
    expect(service.sequences.get(hex(5))).toEqual(["flow.starting", "flow.starting", "flow.stopping"]);
    await expect.poll(() => service.refused.length, patience).toBe(1);
  });

  it("ends with the process that began it, however that one ends", async () => {
    const own = mkdtempSync(join(folder, "child-"));
    onTestFinished(() => rmSync(own, { recursive: true, force: true }));
    const script = `import { startBroker } from ${JSON.stringify(new URL("support/broker.ts", import.meta.url).href)}; await startBroker();`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
      env: { ...process.env, TMPDIR: own },
      stdio: "ignore",
    });
    const ended = once(child, "exit");
    const pidOf = (): number => {
      const [name] = readdirSync(own);
      try {
        return Number(readFileSync(join(own, name ?? "", "pid"), "utf8"));
      } catch {
        return 0;
      }
    };
    await expect.poll(pidOf, patience).toBeGreaterThan(0);
    const pid = pidOf();
    expect(runs(pid)).toBe(true);
    child.kill("SIGKILL");
    await ended;
    await expect.poll(() => [runs(pid), readdirSync(own)], patience).toEqual([false, []]);
  });

  it("leaves nothing when it is ended, nor do those that stood on it", async () => {
    const pid = broker.pid ?? 0;
    expect(runs(pid)).toBe(true);
    await Promise.all([broker.end(), real.close(), capture.close()]);
    expect([runs(pid), broker.pid, readdirSync(folder)]).toEqual([false, undefined, []]);
    await expect.poll(() => process.getActiveResourcesInfo(), patience).not.toContain("TCPSocketWrap");
  });
});
