/** An API of orders with all that a document can have. */
export const orders = {
  basePath: "/orders/v1",
  hostnames: ["api.example.com"],
  resources: [
    {
      id: "orders",
      path: "/orders",
      operations: [
        { id: "list", method: "GET", name: "List orders" },
        { id: "create", method: "POST" },
      ],
    },
    { id: "order", path: "/orders/{id}", name: "One order", operations: [{ id: "get", method: "GET" }] },
    { id: "files", path: "/files/*", operations: [{ id: "get", method: "GET" }] },
  ],
  flows: {
    all: {
      request: [
        { id: "cors", type: "cors", config: { origins: ["https://shop.example.com"] } },
        { id: "limit", type: "rateLimit", config: { calls: 300, interval: "minute", soft: true, softPercent: 30 } },
        { id: "who", type: "clientId" },
      ],
      response: [{ id: "log", type: "log", abortOnFail: false, when: "status >= 500" }],
      destination: { url: "{{env.BACKEND}}/v1", timeout: "{{env.TIMEOUT}}", certificate: "CERTIFICATE_ORDERS" },
    },
    resources: {
      order: {
        operations: {
          get: {
            request: [
              inherited("cors", "cors", { origins: ["https://shop.example.com"] }),
              inherited("limit", "rateLimit", { calls: 300, interval: "minute", soft: true, softPercent: 30 }),
              inherited("who", "clientId", {}),
              {
                id: "customer",
                type: "serviceCallout",
                config: { variable: "customer", url: "{{env.CRM}}/customers/{{query.customer}}" },
              },
            ],
            response: [inherited("log", "log", {}, { abortOnFail: false, when: "status >= 500" })],
            destination: { url: "{{env.BACKEND}}/v1/order/{number}?full=true" },
          },
        },
      },
    },
  },
  environments: {
    production: {
      variables: { BACKEND: "https://backend.example.com", CRM: "https://crm.example.com", TIMEOUT: "10" },
    },
    test: { variables: { BACKEND: "https://test.example.com", CRM: "https://crm-test.example.com", TIMEOUT: "30" } },
  },
  environment: "production",
  plans: ["plan_gold"],
  settings: { traceSampling: 0.01 },
};

function inherited(id: string, type: string, config: Record<string, unknown>, more: object = {}) {
  return { id, type, config, ...more, base: { enabled: true, config, ...more } };
}
