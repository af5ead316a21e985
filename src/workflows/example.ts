/** The story of an onboarding: basic data, the choice of a product, a score, done. */
export const onboarding = {
  name: "onboarding",
  access: "public",
  log: true,
  mask: ["basic.mobile"],
  validate: { channel: { rule: "string", optional: true } },
  routes: {
    basic: {
      uri: "/basic",
      validate: {
        firstname: { rule: "string", max: 100 },
        lastname: { rule: "string", max: 100 },
        age: { rule: "number", min: 0, max: 130, integer: true },
        mobile: { rule: "regex", pattern: "\\+?\\d{8,15}", message: "Use digits with a leading +." },
        address: { rule: "nested", optional: true, fields: { city: { rule: "string" } } },
        id_card: { rule: "file", mime: ["image/*", "application/pdf"] },
      },
    },
    product: { uri: "/product", export: { hello: "{{basic.firstname}}", products: "{{products}}" } },
  },
  functions: {
    exchange: {
      validate: { age: { rule: "number" } },
      commands: [
        {
          command: "exchange",
          url: "https://score.example.com/scores",
          method: "POST",
          body: { age: "{{it.age}}" },
          namespace: "answer",
          fallback: [{ command: "set", values: { "answer.points": 0 } }],
        },
        { command: "success", result: "{{answer.points}}" },
      ],
    },
  },
  paths: {
    code: [
      { command: "set", values: { "share.tries": 0 } },
      {
        command: "loop",
        most: 5,
        do: [
          {
            command: "route",
            name: "code",
            uri: "/code",
            export: "{{code.digits}}",
            validate: { digits: { rule: "string" } },
          },
          { command: "set", values: { "share.tries": "{{share.tries + 1}}" } },
        ],
        until: "code.digits = $substring(execution.uuid, 0, 4) or share.tries > 3",
      },
    ],
  },
  commands: [
    { command: "log", message: "Comes by {{it.channel}}{{init.channel}}." },
    { command: "route", name: "basic", checkpoint: true },
    {
      command: "if",
      condition: "basic.age < 18",
      do: [{ command: "error", code: "TOO_YOUNG", message: "{{basic.firstname}}, you must be 18 or older." }],
    },
    { command: "path", name: "code" },
    { command: "set", values: { products: [{ id: "gold" }, { id: "silver" }], "limits.most": 5000 } },
    {
      command: "route",
      name: "product",
      validate: { product: { rule: "values", values: ["gold", "silver"] } },
    },
    { command: "function", name: "exchange", input: { age: "{{basic.age}}" }, namespace: "score", async: true },
    { command: "wait", event: "score", seconds: 60, namespace: "score" },
    {
      command: "switch",
      value: "product.product",
      cases: [
        { equals: "gold", do: [{ command: "set", values: { limit: "{{limits.most}}" } }], break: true },
        { in: ["silver"], do: [{ command: "set", values: { limit: "{{$min([limits.most, score * 10])}}" } }] },
        { matches: "s.*", do: [{ command: "log", level: "debug", message: "{{limit}}" }] },
      ],
      default: [{ command: "set", values: { limit: 10 } }],
    },
    { command: "sharable", of: "execution", seconds: 3600, namespace: "link" },
    {
      command: "match",
      condition: "$sum(products[id = $$.product.product].limit) > limit",
      do: [{ command: "decision", decision: "refused" }],
      else: [
        {
          command: "route",
          uri: "/done",
          terminal: true,
          export: { link: "{{link.token}}" },
          result: { limit: "{{limit}}" },
        },
      ],
    },
  ],
};
