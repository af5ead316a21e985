import { describe, expect, it } from "vitest";

import { boundOf, timeUuid, UUID } from "./uuid.ts";

const times = [0, 1, 1_557_246_189_000, 1_795_000_000_000, 2 ** 48 - 1];

describe("a uuid by time", () => {
  it.each(times)("of %i is of version 7 and holds the time", (now) => {
    const uuid = timeUuid(now);
    expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(parseInt(uuid.replaceAll("-", "").slice(0, 12), 16)).toBe(now);
  });

  it("comes behind those of earlier times, and lies between the bounds of its own and the next", () => {
    for (const now of times.slice(0, -1)) {
      for (let n = 0; n < 50; n += 1) {
        const uuid = timeUuid(now);
        expect(uuid > boundOf(now) && uuid < boundOf(now + 1) && uuid < timeUuid(now + 1)).toBe(true);
      }
    }
  });

  it("is another each time", () => {
    expect(new Set(Array.from({ length: 1000 }, () => timeUuid(5))).size).toBe(1000);
  });
});

it.each([
  [0, "00000000-0000-0000-0000-000000000000"],
  [-5, "00000000-0000-0000-0000-000000000000"],
  [1.9, "00000000-0001-0000-0000-000000000000"],
  [1_795_000_000_000, "01a1ee56-5e00-0000-0000-000000000000"],
])("the bound of %d is %s", (at, bound) => {
  expect(boundOf(at)).toBe(bound);
});

it.each([
  ["511b0441-d6d0-4a8a-8003-22ef52740847", true],
  ["511B0441-D6D0-4A8A-8003-22EF52740847", true],
  ["511b0441-d6d0-4a8a-8003-22ef5274084", false],
  ["511b0441-d6d0-4a8a-8003-22ef527408477", false],
  ["511b0441d6d04a8a800322ef52740847", false],
  ["{511b0441-d6d0-4a8a-8003-22ef52740847}", false],
  ["511b0441-d6d0-4a8a-8003-22ef5274084g", false],
  ["511b0441-d6d0-4a8a-8003-22ef52740847\n", false],
  ["", false],
])("%j is a uuid: %j", (text, is) => {
  expect(UUID.test(text)).toBe(is);
});
