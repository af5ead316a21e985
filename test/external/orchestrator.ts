interface Command {
  readonly headers: { readonly name: string; readonly startId: string };
  readonly payload: { readonly id: string };
}

/** Reports every command as carried out. A real orchestrator would make the flow live, or take it down, before that. */
export default {
  async queue(batch: MessageBatch<Command>, env: { readonly FLOW_REPORTS: Queue }): Promise<void> {
    for (const message of batch.messages) {
      const { headers, payload } = message.body;
      const name = headers.name === "flow.starting" ? "flow.started" : "flow.stopped";
      await env.FLOW_REPORTS.send({
        headers: { name, startId: headers.startId, createdAt: Date.now(), serviceName: "flow-orchestrator" },
        payload: { id: payload.id },
      });
      message.ack();
    }
  },
};
