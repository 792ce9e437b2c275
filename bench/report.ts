/** What a bench hands over: one table, notes below it, everything it has measured, and why it failed, if it did. */
export type Report = { title: string; table: string[][]; notes: string[]; measured: unknown; wrong: string[] };

export function markdownOf({ title, table, notes }: Report): string {
  const [head = [], ...rows] = table.map((cells) => `| ${cells.join(" | ")} |`);
  const rule = `| ${(table[0] ?? []).map((_, column) => (column === 0 ? "---" : "---:")).join(" | ")} |`;
  return [`### ${title}`, "", head, rule, ...rows, "", ...notes.map((note) => `- ${note}`)].flat().join("\n");
}

/** A number as people read it: the smaller, the more of its decimals. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return "-";
  return value >= 100 ? String(Math.round(value)) : value.toFixed(value >= 10 ? 1 : 2);
}
