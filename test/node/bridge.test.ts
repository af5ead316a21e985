import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { reasonToSkip, startBroker, type Broker } from "./support/broker.ts";
import { account, layOutBridge, layOutProduct, tenant, type Product } from "./support/hub.ts";
import {
  captureBus,
  startAnsweringService,
  startAuditLog,
  startRealOrchestrator,
  startScheduler,
  startWebhooks,
} from "./support/orchestrator.ts";

const reason = reasonToSkip();

const component = "5ca5c44c187c040010a9bb8b";
const node = { id: "n1", componentId: component, function: "f" };
const SERVICE = "flow-repository";
const MANY = 500;

interface Sent {
  readonly headers: { name: string; createdAt: number };
  readonly payload: { createdAt: string; updatedAt: string };
}

describe.skipIf(reason !== undefined)(
  `the bridge to a RabbitMQ broker${reason === undefined ? "" : ` (${reason})`}`,
  () => {
    let broker: Broker;
    let product: Product;
    let bridge: Awaited<ReturnType<typeof layOutBridge>>;
    const closing: (() => unknown)[] = [];

    beforeAll(async () => {
      [broker, product] = await Promise.all([
        startBroker(),
        layOutProduct({ COMMAND_DEADLINE_SECONDS: "5", START_TRIES: "50" }),
      ]);
      bridge = await layOutBridge({
        RABBITMQ_URL: broker.url,
        PRODUCT_URL: product.base,
        BRIDGE_TOKEN: await product.tokenFor("bridge", "bridge"),
        BRIDGE_LEASE_SECONDS: "5",
      });
      await product.program.start();
      await bridge.program.start();
    }, 60_000);

    afterAll(async () => {
      for (const close of closing.splice(0).toReversed()) await close();
      await bridge?.program.end();
      await product?.program.end();
      await broker?.end();
      product?.remove();
    }, 30_000);

    const statusOf = async (id: string) => (await product.call("GET", `/flows/${id}`)).body.data.status as string;
    const until = (id: string, status: string) =>
      expect.poll(() => statusOf(id), { timeout: 20_000, interval: 30 }).toBe(status);

    it("takes a flow through its life with the original's own orchestrator, in the original's own words", async () => {
      const listeners = await Promise.all([
        startRealOrchestrator(broker.url),
        startWebhooks(broker.url),
        startScheduler(broker.url),
        startAuditLog(broker.url),
      ]);
      const [orchestrator, webhooks, scheduler, auditLog] = listeners;
      const bus = await captureBus(broker.url);
      closing.push(() => Promise.all([...listeners.map((one) => one.close()), bus.close()]));

      const flow = { name: "FlowA", graph: { nodes: [node] }, type: "ordinary", values: { ours: 1 } };
      const created = (await product.call("POST", "/flows", flow)).body.data;
      const scheduled = (await product.call("POST", "/flows", { ...flow, cron: "*/3 * * * *" })).body.data;
      for (const { id } of [created, scheduled]) {
        expect((await product.call("POST", `/flows/${id}/start`)).status).toBe(200);
        await until(id, "active");
      }
      expect(orchestrator.flows.get(created.id)).toMatchObject({ tenant, startedBy: account });
      expect([...webhooks.flows.keys()]).toEqual([created.id]);
      expect([...scheduler.flows.keys()]).toEqual([scheduled.id]);
      for (const { id } of [created, scheduled]) {
        expect((await product.call("POST", `/flows/${id}/stop`)).status).toBe(200);
        await until(id, "inactive");
      }
      expect((await product.call("DELETE", `/flows/${created.id}`)).status).toBe(200);
      const named = () =>
        bus.messages.filter(({ content }) => content.includes(created.id)).map((one) => one.routingKey);
      await expect
        .poll(named, { timeout: 10_000 })
        .toEqual([
          "flowrepo.flow.created",
          "flow.starting",
          "flow.started",
          "flow.stopping",
          "flow.stopped",
          "flowrepo.flow.deleted",
        ]);

      const owners = [
        { id: account, type: "user" },
        { id: tenant, type: "tenant" },
      ];
      const ours = bus.messages.filter(({ content }) => content.includes(created.id) && content.includes(SERVICE));
      const sent = ours.map(({ content }) => JSON.parse(content.toString()) as Sent);
      const document = { name: "FlowA", graph: { nodes: [node], edges: [] }, type: "ordinary", tenant, owners };
      const flowOf = (status: string, { createdAt, updatedAt }: Sent["payload"], more = {}) => ({
        ...document,
        status,
        createdAt,
        updatedAt,
        id: created.id as string,
        ...more,
      });
      const said = { tenant, user: account, flowId: created.id as string };
      const payloads = [
        said,
        flowOf("starting", sent[1]!.payload, { startedBy: account }),
        flowOf("stopping", sent[2]!.payload),
        said,
      ];
      // Byte by byte, but for the times.
      expect(ours.map(({ content }) => content.toString())).toEqual(
        payloads.map((payload, at) => {
          const { name, createdAt } = sent[at]!.headers;
          return JSON.stringify({ headers: { name, createdAt, serviceName: SERVICE }, payload });
        }),
      );
      expect(sent[1]!.payload.createdAt).toBe(created.createdAt);
      expect(Date.parse(sent[1]!.payload.updatedAt)).toBeGreaterThan(Date.parse(created.createdAt));
      expect(sent.every(({ headers }) => Number.isInteger(headers.createdAt))).toBe(true);
      for (const { properties } of ours) {
        const set = Object.entries(properties).filter(([, value]) => value !== undefined);
        expect(Object.fromEntries(set)).toEqual({ deliveryMode: 2, headers: {} });
      }
      expect(auditLog.entries.map(({ headers }) => headers.name)).toContain("flowrepo.flow.deleted");
      expect(listeners.flatMap((one) => one.refused)).toEqual([]);

      await Promise.all([...listeners.map((one) => one.close()), bus.close()]);
      closing.length = 0;
    }, 60_000);

    it(`loses no command of ${MANY} flows while broker, bridge and product are killed in turn`, async () => {
      const service = await startAnsweringService(broker.url);
      closing.push(() => service.close());
      const flows = Array.from({ length: MANY }, (_, at) => ({ name: `Flow ${at}`, graph: { nodes: [node] } }));
      const ids = ((await product.call("POST", "/flows", flows)).body.data as { id: string }[]).map(({ id }) => id);
      const [some, others] = [ids.slice(0, MANY / 2), ids.slice(MANY / 2)];
      const command = async (verb: "start" | "stop", which: string[]) => {
        const { status, body } = await product.call("POST", `/flows/multiple/${verb}`, which);
        expect(status).toBe(200);
        expect((body as { errors?: unknown }[]).filter((one) => one.errors !== undefined)).toEqual([]);
      };
      const count = async (status: string): Promise<number> =>
        (await product.call("GET", `/flows?filter[status]=${status}&page[size]=1&fields=name`)).body.meta.total;
      const counts = async () => [await count("starting"), await count("active"), await count("stopping")];
      const settled = async (active: number) => {
        const sweeping = setInterval(() => void product.sweep(), 5000);
        await expect.poll(counts, { timeout: 100_000, interval: 100 }).toEqual([0, active, 0]);
        clearInterval(sweeping);
      };
      await command("start", some);
      await settled(MANY / 2);

      // One half starts while the other half stops.
      await Promise.all([command("start", others), command("stop", some)]);
      const done = async (): Promise<number> => MANY - (await count("starting")) - (await count("stopping"));
      for (const [at, program] of [broker, bridge.program, product.program].entries()) {
        await expect.poll(done, { timeout: 30_000, interval: 20 }).toBeGreaterThanOrEqual(60 + at * 130);
        await program.kill();
        await program.start();
      }
      await settled(MANY / 2);

      const active = new Set(others);
      const listed: { id: string; status: string }[] = [];
      for (let page = "/flows?page[size]=100&fields=status&search=Flow"; page !== "";) {
        const { data, links } = (await product.call("GET", page)).body;
        listed.push(...data);
        page = links.next ?? "";
      }
      const stands = new Map(listed.map(({ id, status }) => [id, status]));
      expect(ids.filter((id) => stands.get(id) !== (active.has(id) ? "active" : "inactive"))).toEqual([]);
      // The service saw the commands of each flow in their order, some more than once, none after a later one.
      const seen = ids.map((id) => once(service.sequences.get(id) ?? []));
      const expected = ids.map((id) => (active.has(id) ? ["flow.starting"] : ["flow.starting", "flow.stopping"]));
      expect(seen).toEqual(expected);
      expect(service.refused).toEqual([]);
      expect((await bridge.health())?.status).toBe("pass");
    }, 240_000);
  },
);

const once = (names: readonly string[]): string[] => names.filter((name, at) => name !== names[at - 1]);
