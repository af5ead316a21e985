/** What visitors of the measured workflow enter, and what they are shown. */
export const NAME = "bench-onboarding";

export const input = { channel: "campaign" };
export const payloads: readonly object[] = [
  { firstname: "Joe", lastname: "Bloke", age: "34", mobile: "+4930123456" },
  { product: "gold" },
  { accepted: true },
];
/** Views of the routes, in their order. */
export const uris: readonly string[] = ["/basic", "/product", "/consent", "/done"];
