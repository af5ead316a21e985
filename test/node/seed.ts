/** The example of the seed, letter by letter. */
export const seedFlow = {
  name: "Example Integration Flow",
  description: "Transfers data from the example origin to the example destination",
  graph: {
    nodes: [
      { id: "step_1", name: "An example origin" },
      { id: "step_2", name: "An example destination" },
    ],
    edges: [{ source: "step_1", target: "step_2" }],
  },
};
