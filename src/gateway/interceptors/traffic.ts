import { compileRanges, inRanges } from "../../apis/client-ip.ts";
import type { ConfigOf } from "../../apis/interceptors.ts";
import { reachedOr } from "../../platform/reached.ts";
import { senderOfAddress } from "../../platform/sender.ts";
import type { Call, Placed, Prepare, Run, World } from "../call.ts";
import { FullKeys, gapOf, mostOf, type Rule, secondsOf, type Verdict, windowAt } from "../counting.ts";
import { InterceptorFault, refuse, type Stop } from "../refusal.ts";

type By = ConfigOf<"rateLimit">["by"];

/** Calls in 60 s that the binding GATEWAY_SHIELD lets through for a key (wrangler.toml). */
const SHIELD_LIMIT = 1000;
/** Its period. */
const SHIELD_MS = 60_000;
/** By so much the clock here and the object's may differ, and so long a question may be on its way to it. */
const APART_MS = 5000;
const UNREACHED = "The counter could not be reached.";

const full = new FullKeys(5000);

export const rateLimit: Prepare<"rateLimit"> = ({ calls, interval, by, softPercent, quotaHeaders }, placed) =>
  counts({ kind: "window", interval, most: mostOf(calls, softPercent) }, by, placed, (verdict, call) => {
    if (quotaHeaders) call.onEveryAnswer.push((headers) => tellQuota(headers, calls, verdict));
    return verdict.passes ? undefined : tooMany("RATE_LIMITED", verdict, call);
  });

export const spikeArrest: Prepare<"spikeArrest"> = ({ limit, interval, by }, placed) =>
  counts({ kind: "gap", gapMs: gapOf(limit, interval) }, by, placed, (verdict, call) =>
    verdict.passes ? undefined : tooMany("SPIKE_ARRESTED", verdict, call),
  );

export const ipFilter: Prepare<"ipFilter"> = ({ list, addresses }) => {
  const ranges = compileRanges(addresses);
  const passesIfListed = list === "allow";
  return ({ id, caller: { address } }) =>
    address !== undefined && inRanges(address, ranges) === passesIfListed
      ? undefined
      : refuse("ADDRESS_NOT_ALLOWED", { requestId: id });
};

const tooMany = (code: "RATE_LIMITED" | "SPIKE_ARRESTED", { waitMs }: Verdict, { id }: Call): Stop =>
  refuse(code, { requestId: id, headers: { "retry-after": String(secondsOf(waitMs)) } });

function tellQuota(headers: Headers, calls: number, { taken, waitMs }: Verdict): void {
  headers.set("x-ratelimit-limit", String(calls));
  headers.set("x-ratelimit-remaining", String(Math.max(0, calls - taken)));
  headers.set("x-ratelimit-reset", String(secondsOf(waitMs)));
}

/** What the isolate knows is answered at once; else the shield is asked, and then the object. */
function counts(
  rule: Rule,
  by: By,
  placed: Placed,
  outcomeOf: (verdict: Verdict, call: Call) => Stop | undefined,
): Run {
  const whoOf = countedBy(by, placed);
  return (call, world) => {
    const name = `${placed.key}/${whoOf(call)}`;
    if (world.isDry) {
      return peekCounter(rule, name, call, world).then((verdict) => verdict && outcomeOf(verdict, call));
    }
    const now = world.now();
    const until = full.until(name, now);
    if (until !== undefined) return outcomeOf(refused(rule, until - now), call);
    const window = windowOfShield(rule, now);
    const asked = window === undefined ? askCounter(rule, name, world) : askBehindShield(rule, name, window, world);
    return asked.then((verdict) => outcomeOf(verdict, call));
  };
}

/** An address, of IPv6 the network: whoever has one has all addresses in it. */
const networkOf = (address: string | undefined): string =>
  address?.includes(":") ? (senderOfAddress(address) ?? "unknown") : (address ?? "unknown");

/** Whose calls are counted together. In a plan each app has its own count. */
function countedBy(by: By, { level }: Placed): (call: Call) => string {
  if (by === "ip") return ({ caller }) => networkOf(caller.address);
  if (by === "app" || level === "plan") return ({ app }) => app?.id ?? "unknown";
  return () => "total";
}

const refused = (rule: Rule, waitMs: number): Verdict => ({
  passes: false,
  taken: rule.kind === "window" ? rule.most : 1,
  isFull: true,
  waitMs,
});

async function askBehindShield(
  rule: Rule,
  name: string,
  window: { readonly starts: number; readonly ends: number },
  world: World,
): Promise<Verdict> {
  // Without an answer there is no shield, and the object is asked all the same.
  const shield = await world.env.GATEWAY_SHIELD.limit({ key: `${name}/${window.starts}` }).catch(() => undefined);
  if (shield?.success !== false) return askCounter(rule, name, world);
  // Where the object failed meanwhile, not all that came was counted: the shield is believed for its own time alone.
  full.heard(name, Math.min(window.ends - APART_MS, world.now() + SHIELD_MS));
  return refused(rule, window.ends - world.now());
}

// The shield counts calls that come, also refused ones, so its key has the window: 1,000 that came in this one went on to
// the object and filled it, if it takes no more. Near the ends of a window the object may be in another; of a spike
// nothing follows for the call behind it.
function windowOfShield(rule: Rule, now: number): ReturnType<typeof windowAt> | undefined {
  if (rule.kind !== "window" || rule.most > SHIELD_LIMIT) return undefined;
  const window = windowAt(rule.interval, now);
  return now - window.starts >= APART_MS && window.ends - now > APART_MS ? window : undefined;
}

/** Asks once: of a question that failed nobody knows whether it was counted, and a second one might count twice. */
async function askCounter(rule: Rule, name: string, world: World): Promise<Verdict> {
  const askedAt = world.now();
  let verdict: Verdict;
  try {
    verdict = await world.env.GATEWAY_COUNTER.getByName(name).take(rule);
  } catch (cause) {
    throw new InterceptorFault(UNREACHED, { cause });
  }
  // Reckoned from before the question, so that it is never later than the object's end, whatever the clocks say.
  if (verdict.isFull) full.heard(name, askedAt + verdict.waitMs);
  return verdict;
}

async function peekCounter(rule: Rule, name: string, call: Call, world: World): Promise<Verdict | undefined> {
  call.trace?.note("A dry run: nothing is counted.");
  try {
    return await reachedOr<Verdict>(
      () => world.env.GATEWAY_COUNTER.getByName(name).peek(rule),
      (cause) => new InterceptorFault(UNREACHED, { cause }),
    );
  } catch {
    call.trace?.note(UNREACHED);
    return undefined;
  }
}
