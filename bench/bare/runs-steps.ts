/** The steps of the flows that the bench runs (`bench/runs/flows.ts`), in plain code. */
export interface Order {
  readonly id: string;
  readonly amount: number;
  readonly hops: number;
}

export interface Message {
  readonly data: unknown;
  readonly metadata?: Readonly<Record<string, unknown>>;
}

interface Step {
  readonly name: string;
  /** Answers nothing if the message goes no further. */
  readonly work: (message: Message) => Message | undefined | Promise<Message>;
}

const orderIn = ({ data }: Message): Order => data as Order;

const mark: Step["work"] = (message) => ({
  ...message,
  metadata: { ...message.metadata, origin: { shop: "north", received: new Date().toISOString() } },
});
const large: Step["work"] = (message) => (orderIn(message).amount >= 100 ? message : undefined);
const shape: Step["work"] = (message) => {
  const { id, amount } = orderIn(message);
  const { shop } = message.metadata!["origin"] as { shop: string };
  return { ...message, data: { order: id, total: amount, source: shop } };
};
const hop: Step["work"] = (message) => {
  const { id, amount, hops } = orderIn(message);
  return { ...message, data: { id, amount, hops: hops + 1 } };
};
const note: Step["work"] = (message) => {
  const { status } = message.metadata!["response"] as { status: number };
  console.log(`The target answered ${status} for order ${(message.data as { stored: string }).stored}.`);
  return message;
};

const push =
  (target: string, key: string): Step["work"] =>
  async (message) => {
    const response = await fetch(target, {
      method: "POST",
      headers: {
        "user-agent": "flow-repository",
        accept: "application/json, */*;q=0.5",
        "content-type": "application/json",
        "idempotency-key": key,
        "x-flow-depth": "0",
      },
      cache: "no-store",
      body: JSON.stringify(message.data),
    });
    if (!response.ok) throw new Error(`The target answered ${response.status}.`);
    const headers = Object.fromEntries(response.headers);
    const metadata = { ...message.metadata, response: { status: response.status, headers } };
    return { data: await response.json(), metadata };
  };

/** `orders`, or `chain-` and how many steps. */
export function stepsOf(flow: string, target: string, key: string): Step[] {
  const pushing = { name: "push", work: push(target, `${key}/push`) };
  if (flow === "orders") {
    const before = [
      { name: "mark", work: mark },
      { name: "large", work: large },
      { name: "shape", work: shape },
    ];
    return [...before, pushing, { name: "note", work: note }];
  }
  const length = Number(flow.slice("chain-".length));
  return [...Array.from({ length: length - 1 }, (_, nth) => ({ name: `hop-${nth + 1}`, work: hop })), pushing];
}
