/** A register with read, write and compare-and-set. */
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
  // `undefined` means that the output is impossible, so it is never a value of the register.
  step: (state, input, output) => {
    if (input.f === "read") return output?.f === "read" && output.value !== state ? undefined : state;
    if (input.f === "write") return input.value;
    const done = state === input.from;
    if (output?.f === "cas" && output.done !== done) return undefined;
    return done ? input.to : state;
  },
});
