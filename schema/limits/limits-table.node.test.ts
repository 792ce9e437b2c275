import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { DEFAULT_LIMITS, type Figures, LIMIT_NAMES } from "./limits.ts";

const DOCS = join(import.meta.dirname, "../../docs/operations.md");
const MARK = "<!-- limits:";

const number = (value: number): string => value.toLocaleString("en");
const cells = ({ burst, perMinute, perDay }: Figures): string =>
  `${number(burst)} at once, ${number(perMinute)} a minute, ${number(perDay)} a day`;

/** The table as docs/operations.md must have it. */
function limitsTable(): string {
  const rows = LIMIT_NAMES.map((name) => {
    const { by, figures, young } = DEFAULT_LIMITS[name];
    return `| \`${name}\` | ${by} | ${cells(figures)} | ${young ? cells(young) : "the same"} |`;
  });
  return ["| Limit | Counted by | Figures | In the first day |", "| --- | --- | --- | --- |", ...rows].join("\n");
}

it("is the table in docs/operations.md", () => {
  const docs = readFileSync(DOCS, "utf8");
  const after = docs.slice(docs.indexOf(MARK));
  const table = after.split("\n").filter((line) => line.startsWith("|"));
  const end = table.findIndex((line, index) => index > 1 && !line.startsWith("| `"));
  const documented = table.slice(0, end === -1 ? undefined : end).map((line) => line.replaceAll(/ +/g, " "));
  expect(documented.join("\n")).toBe(limitsTable());
});
