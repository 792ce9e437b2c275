import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import * as uploads from "../../schema/media/upload-limits.ts";
import * as pictures from "./pictures/formats/raw-header.ts";
import * as size from "./pictures/formats/size.ts";
import * as videos from "./videos/containers/limits.ts";

const ROWS = readFileSync(fileURLToPath(import.meta.resolve("../../docs/media.md")), "utf8")
  .split("\n## Limits\n")[1]
  ?.split("\n## ")[0]
  ?.split("\n")
  .filter((line) => line.startsWith("| ") && line.includes("`"));

/** Returns what the table of limits states for a name: the nth number of its row, as it is written. */
function stated(name: string): string[] {
  const row = ROWS?.find((line) => line.includes(`\`${name}\``)) ?? "";
  const [, , limits = "", names = ""] = row.split("|");
  const at = names.split(",").findIndex((one) => one.includes(`\`${name}\``));
  const numbers = limits.match(/\d[\d,]*\d ?[kM]?B?|\d ?[kM]?B?/g) ?? [];
  return [numbers[at] ?? numbers.at(-1) ?? ""].map((one) => one.trim());
}

const written = (value: number): string[] => {
  const text = value.toLocaleString("en-GB");
  const [kB, MB] = [value / 1024, value / 1024 / 1024];
  return [text, ...(Number.isInteger(kB) ? [`${kB} kB`] : []), ...(Number.isInteger(MB) ? [`${MB} MB`] : [])];
};

// What the documents do not list: how long files are kept, and the sizes of parts.
const NOT_LISTED = /LASTS|KEPT|PART|CHUNK|SLACK|MEDIA_/;

it("are the ones in the table of docs/media.md", () => {
  expect(ROWS?.length).toBeGreaterThan(15);
  const all = Object.entries({ ...uploads, ...pictures, ...size, ...videos }).filter(
    (entry): entry is [string, number] => typeof entry[1] === "number" && !NOT_LISTED.test(entry[0]),
  );
  expect(all.length).toBeGreaterThan(25);
  for (const [name, value] of all) {
    const [text = ""] = stated(name);
    expect(written(value), `${name}: ${text}`).toContain(text);
  }
});
