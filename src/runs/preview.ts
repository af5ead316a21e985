import { getFlow } from "../flows/get.ts";
import { documentOf } from "../flows/store.ts";
import type { Context } from "../identity/context.ts";
import { nextTimes, ScheduleFault, schedulesOf } from "./schedule.ts";
import type { SchedulePreview } from "./view.ts";

const MOST = 5;

/** When a flow would begin runs by itself, or why it could not be started. */
export async function previewSchedule(ctx: Context, id: string): Promise<SchedulePreview> {
  const row = await getFlow(ctx, id);
  try {
    const schedules = schedulesOf(documentOf(row)).map((schedule) => ({
      ...schedule,
      next: nextTimes(schedule, ctx.now(), MOST).map((at) => new Date(at).toISOString()),
    }));
    return { schedules, fault: null };
  } catch (error) {
    if (error instanceof ScheduleFault) return { schedules: [], fault: error.message };
    throw error;
  }
}
