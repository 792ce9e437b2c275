/** Small SVG charts that are readable on light and dark pages. */

export type Bar = { label: string; value: number; target?: number | undefined };
export type Series = { label: string; points: { x: number; y: number }[] };

const WIDTH = 720;
const STYLE = `<style>
  text { font: 12px system-ui, sans-serif; fill: #24292f }
  .bar { fill: #4c8dd6 } .missed { fill: #d9822b } .target, .axis { stroke: #57606a; fill: none }
  .line { stroke: #4c8dd6; stroke-width: 2; fill: none } .other { stroke: #d9822b } .dot { fill: #4c8dd6 } .dot.other { fill: #d9822b }
  @media (prefers-color-scheme: dark) { text { fill: #d6dde4 } .target, .axis { stroke: #9aa4ae } }
</style>`;

/** Draws a bar for each value, which is about 0 to 1, and marks its target. */
export function barChart(title: string, bars: readonly Bar[]): string {
  const [left, top, step] = [290, 40, 26];
  const scale = (WIDTH - left - 110) / Math.max(1, ...bars.map(({ value }) => value));
  const drawn = bars.map(({ label, value, target }, index) => {
    const y = top + index * step;
    const missed = target !== undefined && value < target ? " missed" : "";
    const mark = target === undefined ? "" : `<path class="target" d="M${at(left + target * scale)} ${y - 2}v20" />`;
    return `<text x="${left - 8}" y="${y + 12}" text-anchor="end">${escaped(label)}</text>
<rect class="bar${missed}" x="${left}" y="${y}" width="${at(value * scale)}" height="16" />${mark}
<text x="${at(left + Math.max(value, target ?? 0) * scale + 6)}" y="${y + 12}">${value.toFixed(2)}${target === undefined ? "" : `, target ${target}`}</text>`;
  });
  return svg(top + bars.length * step + 8, title, drawn.join("\n"));
}

/** Draws two lines over a logarithmic x-axis; the y-axis starts at 0. */
export function lineChart(title: string, axis: string, { label, points }: Series, other: Series): string {
  const [left, top, width, height] = [50, 40, WIDTH - 80, 180];
  const all = [...points, ...other.points];
  const [first, last] = [
    Math.log10(Math.min(...all.map(({ x }) => x))),
    Math.log10(Math.max(...all.map(({ x }) => x))),
  ];
  const most = Math.max(...all.map(({ y }) => y)) * 1.1;
  const placeOf = ({ x, y }: { x: number; y: number }) =>
    [at(left + ((Math.log10(x) - first) / (last - first)) * width), at(top + height - (y / most) * height)] as const;
  const drawnOf = (series: Series, kind: string) => {
    const places = series.points.map(placeOf);
    const dots = places.map(([x, y]) => `<circle class="dot${kind}" cx="${x}" cy="${y}" r="3" />`);
    const [x = 0, y = 0] = places.at(-1) ?? [];
    const name = `<text x="${Number(x) + 8}" y="${Number(y) + 4}">${escaped(series.label)}</text>`;
    return `<path class="line${kind}" d="M${places.map((place) => place.join(" ")).join("L")}" />${dots.join("")}${name}`;
  };
  const ticks = points.map((point) => {
    const [x] = placeOf(point);
    return `<text x="${x}" y="${top + height + 18}" text-anchor="middle">${point.x.toLocaleString("en-US")}</text>`;
  });
  const scale = [0, most / 2, most].map((y) => {
    const [, place] = placeOf({ x: 10 ** first, y });
    return `<text x="${left - 8}" y="${Number(place) + 4}" text-anchor="end">${y.toFixed(1)}</text>`;
  });
  return svg(
    top + height + 48,
    title,
    `<path class="axis" d="M${left} ${top}v${height}h${width}" />
${[...ticks, ...scale].join("\n")}
<text x="${left + width / 2}" y="${top + height + 38}" text-anchor="middle">${escaped(axis)}</text>
${drawnOf(other, " other")}
${drawnOf({ label, points }, "")}`,
  );
}

const at = (value: number): string => value.toFixed(1);

const svg = (height: number, title: string, body: string): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img">
<title>${escaped(title)}</title>
${STYLE}
<text x="8" y="20" font-weight="600">${escaped(title)}</text>
${body}
</svg>`;

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
