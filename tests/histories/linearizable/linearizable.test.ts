import fc from "fast-check";
import { expect, it } from "vitest";
import { linearize, type Operation } from "./linearizable.ts";
import { type RegisterInput, registerOf, type RegisterOutput } from "./register.ts";

type RegisterOperation = Operation<RegisterInput, RegisterOutput>;
const register = registerOf(0);

const read = (value: number, invoke: number, end: number): RegisterOperation => ({
  input: { f: "read" },
  output: { f: "read", value },
  invoke,
  return: end,
});
const write = (value: number, invoke: number, end = Number.POSITIVE_INFINITY): RegisterOperation => ({
  input: { f: "write", value },
  output: undefined,
  invoke,
  return: end,
});

it.each([
  ["a read after a write", true, [write(1, 0, 1), read(1, 2, 3)]],
  ["a stale read", false, [write(1, 0, 1), read(0, 2, 3)]],
  ["a read that is concurrent with a write, and before it", true, [write(1, 0, 3), read(0, 1, 2)]],
  ["two reads concurrent with a write, in the wrong order", false, [write(1, 0, 9), read(1, 1, 2), read(0, 3, 4)]],
  ["an unanswered write that takes effect late", true, [write(1, 0), read(0, 1, 2), read(1, 3, 4)]],
  ["an unanswered write that never takes effect", true, [write(1, 0), read(0, 1, 2), read(0, 3, 4)]],
  ["an unanswered write that takes effect twice", false, [write(1, 0), read(1, 1, 2), write(2, 3, 4), read(1, 5, 6)]],
  [
    "two unanswered writes of one value",
    true,
    [write(1, 0), write(1, 0), read(1, 1, 2), write(2, 3, 4), read(1, 5, 6)],
  ],
  ["a read of a value that was never written", false, [write(1, 0, 1), read(3, 0, 1)]],
  [
    "a read that must come after the write it is concurrent with",
    false,
    [
      { ...write(1, 0, 9), name: "w" },
      { ...read(0, 1, 9), after: "w" },
    ],
  ],
  // The second write changes nothing at its invocation.
  ["a write that undoes a concurrent one", true, [write(1, 0, 3), write(0, 0, 3), read(0, 4, 5)]],
])("%s is linearizable: %s", (_, ok, history) => {
  expect(linearize(register, history).ok).toBe(ok);
});

/** The definition, in the slow, obvious way: tries every subset of the unanswered in every order that time allows. */
function isLinearizable(state: number | null, left: RegisterOperation[]): boolean {
  if (!left.some(({ return: end }) => Number.isFinite(end))) return true;
  const until = Math.min(...left.map(({ return: end }) => end));
  return left.some((operation) => {
    if (operation.invoke > until) return false;
    const after = register.step(state, operation.input, operation.output);
    return (
      after !== undefined &&
      isLinearizable(
        after,
        left.filter((other) => other !== operation),
      )
    );
  });
}

// Few values and few moments, so that they collide.
const value = fc.nat({ max: 2 });
const input: fc.Arbitrary<Pick<RegisterOperation, "input" | "output">> = fc.oneof(
  value.map((value) => ({ input: { f: "read" } as const, output: { f: "read", value } as const })),
  value.map((value) => ({ input: { f: "write", value } as const, output: undefined })),
  fc.tuple(value, value, fc.option(fc.boolean(), { nil: undefined })).map(([from, to, done]) => ({
    input: { f: "cas", from, to } as const,
    output: done === undefined ? undefined : ({ f: "cas", done } as const),
  })),
);
const operation = fc
  .tuple(
    input,
    fc.nat({ max: 12 }),
    fc.oneof(
      { weight: 4, arbitrary: fc.nat({ max: 5 }) },
      { weight: 1, arbitrary: fc.constant(Number.POSITIVE_INFINITY) },
    ),
  )
  .map(([input, invoke, lasts]) => ({
    ...input,
    ...(lasts === Number.POSITIVE_INFINITY && { output: undefined }),
    invoke,
    return: invoke + lasts,
  }));

it("agrees with the definition on small histories", () => {
  const seen = { true: 0, false: 0 };
  fc.assert(
    fc.property(fc.array(operation, { minLength: 1, maxLength: 7 }), (history) => {
      const expected = isLinearizable(register.initial, history);
      seen[`${expected}`] += 1;
      expect(linearize(register, history).ok).toBe(expected);
    }),
    { numRuns: 10_000 },
  );
  // There were enough histories of both kinds to prove something.
  expect(Math.min(seen.true, seen.false)).toBeGreaterThan(500);
});
