/** The result of a benchmark: a table with notes, all measurements, and in `wrong` the reasons why it failed. */
export type Report = { title: string; table: string[][]; notes: string[]; measured: unknown; wrong: string[] };

/** Renders a report as Markdown. */
export function markdownOf({ title, table, notes }: Report): string {
  const [head = [], ...rows] = table.map((cells) => `| ${cells.join(" | ")} |`);
  const rule = `| ${(table[0] ?? []).map((_, column) => (column === 0 ? "---" : "---:")).join(" | ")} |`;
  return [`### ${title}`, "", head, rule, ...rows, "", ...notes.map((note) => `- ${note}`)].flat().join("\n");
}

/** Formats a number with about three significant digits and at most two decimals. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return "-";
  return value >= 100 ? String(Math.round(value)) : value.toFixed(value >= 10 ? 1 : 2);
}
