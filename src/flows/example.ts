/** The example of the Open Integration Hub's documentation: the smallest flow that moves data. */
export const exampleFlow = {
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
