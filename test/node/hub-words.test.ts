import { describe, expect, it } from "vitest";

const address = new URL("../../src/hub/words.js", import.meta.url).href;
const { choicesOf, plain, readable, size, text } = await import(address);

const of = (...choices: readonly (readonly [unknown, string])[]) => choices.map(([value, label]) => ({ value, label }));
const anything = { rule: "string" };
const colour = { rule: "values", values: ["red", "green"] };

describe("words of the hub's page", () => {
  it.each([
    ["id_card", "Id card"],
    ["idCard", "Id card"],
    ["last-look", "Last look"],
    ["URL", "Url"],
    ["step2", "Step2"],
    ["", ""],
  ])("%j is read as %j", (name, words) => expect(readable(name)).toBe(words));

  it.each([
    [true, "Yes", "true"],
    [false, "No", "false"],
    [null, "–", "null"],
    [undefined, "–", ""],
    ["", "–", ""],
    [0, "0", "0"],
    ["Joe", "Joe", "Joe"],
  ])("%j is shown as %j and entered as %j", (value, shown, entered) =>
    expect([text(value), plain(value)]).toEqual([shown, entered]),
  );

  it.each([
    [999, "999 bytes"],
    [34_567, "35 kB"],
    [1_234_567, "1.2 MB"],
  ])("%i bytes are %s", (bytes, words) => expect(size(bytes)).toBe(words));

  it.each([
    ["without data", "city", anything, undefined],
    ["of a text", "city", anything, { city: "Bern" }],
    ["of an empty list", "city", anything, { cities: [] }],
    ["of a list in which something has no value", "city", anything, { cities: ["Bern", {}] }],
    ["of a map in which something is a list", "city", anything, { cities: { a: [] } }],
    ["of another name", "city", anything, { towns: ["Bern"] }],
    ["for a file", "card", { rule: "file" }, { card: ["a"] }],
    ["for a yes or no", "card", { rule: "truefalse" }, { card: ["a"] }],
  ])("there are no choices %s", (_, name, field, data) => expect(choicesOf(name, field, data)).toBeUndefined());

  it.each([
    [
      "a list",
      "city",
      anything,
      { cities: ["Bern", 7, true] },
      "cities",
      of(["Bern", "Bern"], [7, "7"], [true, "Yes"]),
    ],
    ["items", "card", anything, { cards: [{ id: "a", name: "A" }, { code: 2 }] }, "cards", of(["a", "A"], [2, "2"])],
    [
      "a map",
      "box",
      { rule: "number" },
      { boxes: { 1: "One", 2: { title: "Two" }, 3: {} } },
      "boxes",
      of(["1", "One"], ["2", "Two"], ["3", "3"]),
    ],
    ["its own name first", "city", anything, { cities: ["Bern"], city: ["Basel"] }, "city", of(["Basel", "Basel"])],
    [
      "values with labels",
      "colour",
      colour,
      { colour: { red: "Cherry", blue: "Sky" } },
      "colour",
      of(["red", "Cherry"], ["green", "green"]),
    ],
    [
      "values and data about something else",
      "colour",
      colour,
      { colours: ["blue"] },
      undefined,
      of(["red", "red"], ["green", "green"]),
    ],
    ["values alone", "colour", colour, undefined, undefined, of(["red", "red"], ["green", "green"])],
  ])("choices are made of %s", (_, name, field, data, key, choices) =>
    expect(choicesOf(name, field, data)).toEqual({ ...(key === undefined ? {} : { key }), choices }),
  );
});
