/** Small line charts as SVG, for light and dark pages. */
export interface Series {
  readonly name: string;
  /** From few flows to many. */
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

export interface Chart {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly series: readonly Series[];
}

const WIDTH = 720;
const HEIGHT = 380;
const LEFT = 70;
const RIGHT = 210;
const TOP = 44;
const BOTTOM = 52;
const LINE = 15;
const colours = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a6f00", "#8c6bb1"];

const escaped = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
const powersIn = (low: number, high: number): number[] =>
  Array.from({ length: high - low + 1 }, (_, nth) => 10 ** (low + nth));
const short = (value: number): string => value.toLocaleString("en", { maximumFractionDigits: value < 100 ? 1 : 0 });

/** Labels at the ends of the lines, moved apart where they would cover each other. */
function labelsOf(ends: readonly { y: number; nth: number }[]): number[] {
  const places: number[] = [];
  let last = -Infinity;
  for (const { y, nth } of ends.toSorted((one, other) => one.y - other.y)) {
    last = Math.max(y, last + LINE);
    places[nth] = last;
  }
  const over = Math.max(0, last - (HEIGHT - BOTTOM));
  return places.map((place) => place - over);
}

/** Both axes by powers of ten. */
export function svgOf({ title, x, y, series }: Chart): string {
  const points = series.flatMap((one) => one.points);
  const xs = points.map((point) => point.x);
  const ys = points.map((point) => Math.max(point.y, 0.1));
  const [left, right] = [Math.log10(Math.min(...xs)), Math.log10(Math.max(...xs))];
  const [low, high] = [Math.floor(Math.log10(Math.min(...ys))), Math.ceil(Math.log10(Math.max(...ys)) + 1e-9)];
  const across = (value: number): number =>
    LEFT + ((Math.log10(value) - left) / Math.max(right - left, 1e-9)) * (WIDTH - LEFT - RIGHT);
  const up = (value: number): number =>
    HEIGHT - BOTTOM - ((Math.log10(Math.max(value, 0.1)) - low) / Math.max(high - low, 1)) * (HEIGHT - TOP - BOTTOM);

  const grid = powersIn(low, Math.max(high, low + 1)).map(
    (
      value,
    ) => `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${up(value).toFixed(1)}" y2="${up(value).toFixed(1)}"/>
<text x="${LEFT - 8}" y="${(up(value) + 4).toFixed(1)}" text-anchor="end">${short(value)}</text>`,
  );
  const marks = [...new Set(xs)].map(
    (
      value,
    ) => `<line class="grid" x1="${across(value).toFixed(1)}" x2="${across(value).toFixed(1)}" y1="${TOP}" y2="${HEIGHT - BOTTOM}"/>
<text x="${across(value).toFixed(1)}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${short(value)}</text>`,
  );
  const labels = labelsOf(series.map((one, nth) => ({ y: up(one.points.at(-1)?.y ?? 0), nth })));
  const lines = series.map(({ name, points: line }, nth) => {
    const colour = colours[nth % colours.length]!;
    const path = line.map((point) => `${across(point.x).toFixed(1)},${up(point.y).toFixed(1)}`).join(" ");
    const dots = line.map(
      (point) =>
        `<circle cx="${across(point.x).toFixed(1)}" cy="${up(point.y).toFixed(1)}" r="3" fill="${colour}"><title>${escaped(name)}: ${short(point.y)} at ${short(point.x)}</title></circle>`,
    );
    const label = `<text x="${WIDTH - RIGHT + 10}" y="${(labels[nth]! + 4).toFixed(1)}" style="fill:${colour}">${escaped(name)}: ${short(line.at(-1)?.y ?? 0)}</text>`;
    return `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>${dots.join("")}${label}`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escaped(title)}">
<style>
  text { font: 12px system-ui, sans-serif; fill: #24292f }
  .title { font-size: 15px; font-weight: 600 }
  .grid { stroke: #d0d7de }
  .page { fill: #ffffff }
  @media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .grid { stroke: #30363d } .page { fill: #0d1117 } }
</style>
<rect class="page" width="${WIDTH}" height="${HEIGHT}"/>
<text class="title" x="${LEFT}" y="24">${escaped(title)}</text>
${grid.join("\n")}
${marks.join("\n")}
${lines.join("\n")}
<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 12}" text-anchor="middle">${escaped(x)}</text>
<text transform="translate(16 ${(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)" text-anchor="middle">${escaped(y)}</text>
</svg>
`;
}
