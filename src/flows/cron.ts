import { Cron } from "croner";

const FORM = "Write 5 fields (minute hour day month weekday), or 6 with seconds first.";

/** Why an expression will never fire, or undefined if it will. The parser is the one that fires it. */
export function faultOfCron(expression: string): string | undefined {
  const fields = expression.trim().split(/\s+/).length;
  if (expression.length > 200 || (fields !== 5 && fields !== 6)) {
    return FORM;
  }
  try {
    const next = new Cron(expression, { mode: "5-or-6-parts", paused: true }).nextRun();
    return next === null ? "There is no such date." : undefined;
  } catch (error) {
    const told = error instanceof Error ? /^CronPattern: (.{1,200})/.exec(error.message)?.[1] : undefined;
    // Its numbers count days and months from 0.
    return told?.replace(/: \d+$/, ".") ?? FORM;
  }
}
