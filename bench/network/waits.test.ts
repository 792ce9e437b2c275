import { expect, it } from "vitest";
import { waitsText } from "./waits.ts";

it("describes calls that overlap together, and others in their order", () => {
  expect(
    waitsText([
      { store: "replica", begun: 3, ended: 4 },
      { store: "KV", begun: 1, ended: 2 },
      { store: "primary", begun: 5, ended: 10 },
      { store: "replica", begun: 6, ended: 7 },
      { store: "replica", begun: 8, ended: 9 },
      { store: "actor", begun: 11, ended: 12 },
    ]),
  ).toBe("KV, replica, primary + replica, actor");
  expect(waitsText([])).toBe("");
});
