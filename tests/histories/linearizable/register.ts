/** A register that can be read, written, and set if it holds an expected value. */
import type { Model } from "./linearizable.ts";

export type Value = number | null;
export type RegisterInput = { f: "read" } | { f: "write"; value: Value } | { f: "cas"; from: Value; to: Value };
export type RegisterOutput = { f: "read"; value: Value } | { f: "write" } | { f: "cas"; done: boolean };

/** `null` is the value of a register that was never written. */
export const registerOf = (initial: Value): Model<Value, RegisterInput, RegisterOutput> => ({
  initial,
  keyOf: String,
  kindOf: (input) => JSON.stringify(input),
  isRead: ({ f }, output) => f === "read" || (output?.f === "cas" && !output.done),
  // A state of `undefined` means "cannot be", which no value of a register is.
  step: (state, input, output) => {
    if (input.f === "read") return output?.f === "read" && output.value !== state ? undefined : state;
    if (input.f === "write") return input.value;
    const done = state === input.from;
    if (output?.f === "cas" && output.done !== done) return undefined;
    return done ? input.to : state;
  },
});
