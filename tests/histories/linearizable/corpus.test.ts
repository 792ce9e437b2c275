/** Tests the checker with recorded histories of known verdicts: porcupine's of etcd, knossos' good and bad ones. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ROOT } from "../../../scripts/paths.ts";
import { linearize, type Operation } from "./linearizable.ts";
import { type RegisterInput, registerOf, type RegisterOutput, type Value } from "./register.ts";

const HISTORIES = join(ROOT, "../shared/corpus/histories");
const TOGETHER_WITHIN = 5000;

/** Described in the section `histories` of the corpus README. */
type Expected = {
  linearizable: boolean;
  initial: Value;
  failedCas: "saw-another-value" | "did-not-happen";
  nilRead: "unset" | "anything";
};
type Event = { process: number; type: "invoke" | "ok" | "fail" | "info" } & (
  { f: "read" | "write"; value: Value } | { f: "cas"; value: [Value, Value] | null }
);
type RegisterOperation = Operation<RegisterInput, RegisterOutput>;

const has = existsSync(join(HISTORIES, "expected.json"));
if (!has) console.warn(`SKIPPED: no corpus in ${HISTORIES}, so the checker is not tested against known verdicts`);

describe.skipIf(!has)("recorded histories", () => {
  const expected = has
    ? (JSON.parse(readFileSync(join(HISTORIES, "expected.json"), "utf8")) as Record<string, Expected>)
    : {};

  it("get their known verdicts", () => {
    const started = performance.now();
    const verdicts = Object.entries(expected).map(([name, history]) => {
      const { ok } = linearize(registerOf(history.initial), operationsOf(eventsOf(name), history));
      return [name, ok] as const;
    });
    const known = Object.entries(expected).map(([name, { linearizable }]) => [name, linearizable] as const);
    expect(verdicts).toEqual(known);
    const took = Math.round(performance.now() - started);
    console.log(`${verdicts.length} recorded histories got their known verdicts in ${took} ms`);
    expect(took).toBeLessThan(TOGETHER_WITHIN);
  });
});

const eventsOf = (name: string): Event[] =>
  readFileSync(join(HISTORIES, name), "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Event);

/** The position of an event in its file is its time. */
function operationsOf(events: Event[], expected: Expected): RegisterOperation[] {
  return events.flatMap((invoked, invoke) => {
    if (invoked.type !== "invoke") return [];
    const end = events.findIndex(
      ({ type, process }, at) => at > invoke && type !== "invoke" && process === invoked.process,
    );
    const ended = events[end];
    const operation = operationOf(invoked, ended, expected);
    const answered = ended !== undefined && ended.type !== "info";
    return operation ? [{ ...operation, invoke, return: answered ? end : Number.POSITIVE_INFINITY }] : [];
  });
}

/** Returns undefined for an operation that did not happen, and for one that proves nothing. */
function operationOf(
  invoked: Event,
  ended: Event | undefined,
  { failedCas, nilRead }: Expected,
): Pick<RegisterOperation, "input" | "output"> | undefined {
  const failed = ended?.type === "fail";
  if (invoked.f === "cas") {
    if (!invoked.value || (failed && failedCas === "did-not-happen")) return undefined;
    const [from, to] = invoked.value;
    const output = ended?.type === "ok" || failed ? ({ f: "cas", done: !failed } as const) : undefined;
    return { input: { f: "cas", from, to }, output };
  }
  if (failed) return undefined;
  if (invoked.f === "write") return { input: { f: "write", value: invoked.value }, output: undefined };
  if (ended?.type !== "ok" || ended.f !== "read" || (ended.value === null && nilRead === "anything")) return undefined;
  return { input: { f: "read" }, output: { f: "read", value: ended.value } };
}
