import { expect, it } from "vitest";

import { Places } from "./places.ts";

const free = (asked: number, ms: number, nth: number) => ({ asked, ms, pos: ms * 1024 + nth });

it("gives each place of a millisecond once, in order", () => {
  const places = new Places([free(5, 5, 0), free(6, 6, 10)]);
  expect([places.at(5), places.at(5), places.at(6), places.at(5), places.at(6)]).toEqual([
    { pos: 5120 },
    { pos: 5121 },
    { pos: 6 * 1024 + 10 },
    { pos: 5122 },
    { pos: 6 * 1024 + 11 },
  ]);
});

it("gives the last place of a millisecond, and then says where to ask on", () => {
  const places = new Places([free(5, 5, 1023)]);
  expect(places.at(5)).toEqual({ pos: 5 * 1024 + 1023 });
  expect(places.at(5)).toEqual({ ask: 6 });
  places.learn([free(6, 6, 3), { ...free(6, 6, 3), asked: 5 }]);
  expect([places.at(5), places.at(6)]).toEqual([{ pos: 6 * 1024 + 3 }, { pos: 6 * 1024 + 4 }]);
});

it("never gives a place twice to those who asked for different times", () => {
  const places = new Places([free(5, 7, 0), free(7, 7, 0)]);
  expect([places.at(7), places.at(5), places.at(7)]).toEqual([{ pos: 7168 }, { pos: 7169 }, { pos: 7170 }]);
});

it("asks for a time that it does not know", () => {
  expect(new Places([]).at(5)).toEqual({ ask: 5 });
});
