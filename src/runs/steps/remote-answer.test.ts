import { describe, expect, it } from "vitest";

import { StepFault } from "../steps.ts";
import { readAnswer } from "./remote-answer.ts";

const came = { id: "m1", data: { a: 1 }, metadata: { source: "x" }, attachments: { file: 1 }, passthrough: { s: 1 } };
const read = (value: unknown) => readAnswer(typeof value === "string" ? value : JSON.stringify(value), came);
const sent = (...messages: object[]) => ({ kind: "sent", messages: messages.map((more) => ({ ...came, ...more })) });

describe("an answer of a component", () => {
  it.each<[unknown, object[], unknown?]>([
    ["", []],
    ["  \n", []],
    [{}, []],
    [[], []],
    [{ anything: 1 }, []],
    [{ data: { b: 2 } }, [{ data: { b: 2 } }]],
    [{ data: null }, [{ data: null }]],
    [{ data: false }, [{ data: false }]],
    [{ data: 1, metadata: { m: 1 } }, [{ data: 1, metadata: { m: 1 } }]],
    [{ data: 1, attachments: [], passthrough: {} }, [{ data: 1, attachments: [], passthrough: {} }]],
    [{ messages: [] }, []],
    [{ messages: [{ data: 1 }, { data: 2, metadata: {} }] }, [{ data: 1 }, { data: 2, metadata: {} }]],
    [
      [{ data: 1 }, { data: 2 }],
      [{ data: 1 }, { data: 2 }],
    ],
    [[{ messages: [{ data: 1 }] }, { data: 2 }, { snapshot: 3 }], [{ data: 1 }, { data: 2 }], 3],
    [{ data: 1, messages: [{ data: 2 }] }, [{ data: 1 }, { data: 2 }]],
    [{ snapshot: { at: 5 } }, [], { at: 5 }],
    [{ data: 1, snapshot: null }, [{ data: 1 }], null],
    [[{ snapshot: 1 }, { snapshot: 2 }], [], 2],
    [{ data: 1, error: null, rebound: false }, [{ data: 1 }]],
    [{ data: 1, id: "mine", headers: { x: 1 } }, [{ data: 1 }]],
  ])("%j", (value, messages, ...snapshot) => {
    const expected = { answer: sent(...messages), ...(snapshot.length === 0 ? {} : { snapshot: snapshot[0] }) };
    expect(read(value)).toEqual(expected);
  });

  it.each([{ rebound: true }, { rebound: true, data: 1, snapshot: 1 }, [{ data: 1 }, { rebound: true }]])(
    "%j puts the message off, and nothing is sent or kept",
    (value) => {
      expect(read(value)).toEqual({ answer: { kind: "rebound" } });
    },
  );

  it.each<[unknown, string]>([
    [{ error: { message: "No such person." } }, "No such person."],
    [{ error: { name: "NotFound", message: "No such person.", stack: "at x" } }, "NotFound: No such person."],
    [{ error: "No such person." }, "No such person."],
    [{ error: "" }, ""],
    [{ data: 1, error: { message: "late" }, rebound: true, snapshot: 1 }, "late"],
    [[{ data: 1 }, { error: { message: "second" } }], "second"],
    [{ error: { message: "x".repeat(5000) } }, "x".repeat(4000)],
  ])("%j fails the step for good", (value, message) => {
    expect(faultOf(value)).toEqual({ code: "COMPONENT_ERROR", message, mayPass: false, waitMs: undefined });
  });

  it.each<unknown>([
    "<html>",
    "5",
    '"text"',
    "null",
    "[1]",
    "{",
    { messages: {} },
    { messages: [1] },
    { messages: [{}] },
    { metadata: "x", data: 1 },
    { error: 5 },
    { error: {} },
    { rebound: "yes" },
  ])("%j is none, which is told with what would be one, and not repeated", (value) => {
    const { code, message, mayPass } = faultOf(value);
    expect([code, mayPass]).toEqual(["COMPONENT_ANSWER_INVALID", false]);
    expect(message).toMatch(/Expected is JSON: \{data\}/);
    expect(message).not.toContain("html");
  });
});

function faultOf(value: unknown) {
  try {
    read(value);
  } catch (error) {
    if (error instanceof StepFault) return error.fault;
    throw error;
  }
  throw new Error("No fault was thrown.");
}
