import { describe, expect, it } from "vitest";
import { eachFile, HAS_CORPUS, IS_WHOLE, outcome } from "../../../tests/runtime/media/corpus.ts";
import { REJECTIONS } from "../files/rejections.ts";

/** Only every sixth file is inspected here. corpus.node.test.ts reads the headers of all of them, which is fast. */
const EVERY = 6;

describe.skipIf(!HAS_CORPUS)(
  "inspection of damaged and foreign files from other projects",
  { timeout: 300_000 },
  () => {
    it("settles every damaged picture without failing", async () => {
      const ends: Record<string, number> = {};
      await eachFile<{ rule: "reject" | "no-crash" }, void>(
        "images-broken",
        async (path, { rule }, bytes) => {
          const { code } = await outcome(bytes);
          if (rule === "reject") expect(code, path).not.toBe("ready");
          expect(["ready", "unsupported_type", ...Object.keys(REJECTIONS)], path).toContain(code);
          ends[code] = (ends[code] ?? 0) + 1;
        },
        (_, index) => index % EVERY === 0,
      );
      if (IS_WHOLE) console.info("images-broken", ends);
      expect(ends.ready).toBeGreaterThan(0);
      expect(ends.inspection_failed).toBeUndefined();
    });

    it("refuses files that are not pictures at upload", async () => {
      const codes = await eachFile(
        "wrong-types",
        async (path, _, bytes) => [path, (await outcome(bytes)).code],
        (_, index) => index % EVERY === 0,
      );
      expect(codes.length).toBeGreaterThan(5);
      expect(codes.filter(([, code]) => code !== "unsupported_type")).toEqual([]);
    });
  },
);
