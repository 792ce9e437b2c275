/** Comments and documentation name files of this repository. A file that moves must take its mentions along. */
import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { ROOT } from "../paths.ts";

const FOLDERS = "workers,durable-objects,schema,tests,web,scripts,bench,docs";
const MENTION =
  /(?<![\w./-])(?:workers|durable-objects|schema|tests|web|scripts|bench|docs)\/[\w./-]+\.(?:tsx?|mjs|sql|md|css|json)\b/g;

it("names only files that exist", () => {
  const texts = globSync(["*.{md,toml,ts}", `{${FOLDERS}}/**/*.{ts,tsx,mjs,md,sql,css}`], {
    cwd: ROOT,
    exclude: ["**/node_modules/**"],
  });
  const mentions = texts.flatMap((file) =>
    [...readFileSync(join(ROOT, file), "utf8").matchAll(MENTION)].map(([named]) => ({ file, named })),
  );
  expect(mentions.length).toBeGreaterThan(100);
  const missing = mentions.filter(({ named }) => !existsSync(join(ROOT, named)));
  expect(missing.map(({ file, named }) => `${file} names ${named}`)).toEqual([]);
});
