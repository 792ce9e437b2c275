import { transformSync } from "esbuild";
import { expect, it } from "vitest";
import { instrumented } from "./instrumented.ts";

/** Runs a script, and returns how many of its functions were called, and the value of `result`. */
function run(source: string): unknown[] {
  const script = transformSync(instrumented(source, "mark()"), { loader: "ts" }).code;
  // oxlint-disable-next-line typescript/no-implied-eval -- The script is one of this file.
  return new Function(`let called = 0; const mark = () => { called += 1; }; ${script}; return [called, result];`)();
}

it("marks each call of a function, and keeps its result", () => {
  expect(run("function double(x: number): number { return 2 * x; } const result = double(double(3));")).toEqual([
    2, 12,
  ]);
  expect(run("const add = (x: number) => (y: number) => x + y; const result = add(1)(2);")).toEqual([2, 3]);
  expect(run("const make = () => ({ ü: [1].map((x) => x + 1) }); const result = make();")).toEqual([2, { ü: [2] }]);
});

it("marks constructors, methods and accessors", () => {
  const source = `
    class A { x = 1; get y(): number { return this.x; } }
    class B extends A { constructor() { super(); } z(): number; z(more = 0): number { return this.y + more; } }
    const result = new B().z(4);`;
  expect(run(source)).toEqual([3, 5]);
});

it("marks nothing when no function is called", () => {
  expect(run("function never(): void {} const result = 1;")).toEqual([0, 1]);
});
