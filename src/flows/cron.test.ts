import { describe, expect, it } from "vitest";

import { faultOfCron } from "./cron.ts";

const fields = "Write 5 fields (minute hour day month weekday), or 6 with seconds first.";
const noDate = "There is no such date.";
const some: unknown = expect.stringMatching(/./);

const long = (length: number) => `${"1,".repeat(100).slice(0, length - 9)}1 * * * *`;

// The first fourteen are the cases in which the original's repository and scheduler disagree; here one parser decides.
describe("a cron expression passes if the parser that fires it will ever fire it", () => {
  it.each([
    ["*/3 * * * *", undefined],
    ["* /2 * * * *", some],
    ["*/10 * * * * *", undefined],
    ["0 0 L * *", undefined],
    ["0 0 * * 5#3", undefined],
    ["0 0 15W * *", undefined],
    ["*/0 * * * *", some],
    ["1-70 * * * *", some],
    ["0 0 31 2 *", noDate],
    ["0 0 12 * * ? 2030", fields],
    ["60 * * * *", some],
    ["0 24 * * *", some],
    ["* * 32 * *", some],
    ["@daily", fields],
    ["5 4", fields],
    ["* * * *", fields],
    ["2030-01-01T00:00:00Z", fields],
    ["2030-01-01 00:00:00", fields],
    ["", fields],
    [" ", fields],
    ["0 0 29 2 *", undefined],
    ["0 0 30 2 *", noDate],
    ["0 0 31 2,4,6,9,11 *", noDate],
    ["0 0 31 4 1", undefined],
    ["* * * * * *", undefined],
    ["59 59 23 31 12 *", undefined],
    ["0 9 * JAN-MAR MON-FRI", undefined],
    ["0 0 * * 7", undefined],
    ["0 0 * * 8", some],
    ["0 0 * 13 *", some],
    ["0 0 0 * *", some],
    ["60 * * * * *", some],
    ["5-3 * * * *", some],
    ["-1 * * * *", some],
    ["1.5 * * * *", some],
    ["H * * * *", some],
    ["a b c d e", some],
    ["* * * * * ; DROP TABLE flows", fields],
    ["  5\t4 * * *  ", undefined],
  ])("%j", (expression, fault) => {
    expect(faultOfCron(expression)).toEqual(fault);
  });

  it("has at most 200 characters", () => {
    expect([long(199).length, faultOfCron(long(199))]).toEqual([199, undefined]);
    expect([long(201).length, faultOfCron(long(201))]).toEqual([201, fields]);
  });

  it("is told what is wrong with it in few words, without the parser's name", () => {
    const fault = faultOfCron(`${"z".repeat(190)} * * * *`);
    expect(fault).toMatch(/illegal characters|z/);
    expect(fault).not.toContain("CronPattern");
    expect(fault?.length).toBeLessThanOrEqual(200);
  });
});
