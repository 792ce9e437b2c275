import { describe, expect, it } from "vitest";
import { each, HAS_CORPUS, outcome } from "../../../tests/runtime/corpus.ts";

describe.skipIf(!HAS_CORPUS)("damaged and foreign files of other projects", { timeout: 120_000 }, () => {
  it("settles every damaged picture, and fails at none", async () => {
    const ends: Record<string, number> = {};
    await each<{ rule: "reject" | "no-crash" }, void>("images-broken", async (path, { rule }, bytes) => {
      const { code } = await outcome(bytes);
      if (rule === "reject") expect(code, path).not.toBe("ready");
      ends[code] = (ends[code] ?? 0) + 1;
    });
    expect(ends).toEqual({ ready: 38, corrupt: 40, too_many_pixels: 13, undecodable: 70, unsupported_type: 83 });
  });

  it("refuses every file that is no picture at once", async () => {
    const codes = await each("wrong-types", async (path, _, bytes) => [path, (await outcome(bytes)).code]);
    expect(codes).toHaveLength(60);
    expect(codes.filter(([, code]) => code !== "unsupported_type")).toEqual([]);
  });
});
