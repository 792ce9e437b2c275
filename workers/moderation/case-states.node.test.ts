/**
 * The model says what is in force by replaying every accepted command from the beginning. Random commands, late and
 * repeated ones included, run against it and against `nextCase`.
 */
import fc from "fast-check";
import { expect, it } from "vitest";
import { newId, type PersonId, type PostId } from "../../schema/ids.ts";
import { Decision } from "../../schema/moderation.ts";
import type { CaseRow } from "../../schema/tables/moderation.ts";
import { type CaseCommand, isInForce, mayAnswer, nextCase } from "./case-states.ts";

const NOW = Date.UTC(2027, 0, 1);
const DAY = 86_400_000;
const person = newId<PersonId>(1);
const moderators = [newId<PersonId>(2), newId<PersonId>(3), person];

const fresh = (kind: CaseRow["kind"]): CaseRow => ({
  subject: newId<PostId>(1),
  kind,
  post: null,
  parent: "",
  person,
  content: "{}",
  reports: 1,
  openedAt: NOW,
  revision: 1,
  version: 0,
  open: true,
  down: false,
  sanction: "none",
  until: null,
  action: null,
  reason: "",
  decidedBy: null,
  decidedAt: null,
  appeal: null,
  appealedAt: null,
  answer: null,
});

/** What is in force and what may be answered, by the accepted commands in their order. */
function replay(accepted: CaseCommand[]) {
  let [down, sanction, answered, isAgainst] = [false, "none", false, false];
  for (const command of accepted) {
    if (command.kind === "answer") answered = true;
    else if (command.kind === "restore") [down, sanction, isAgainst] = [false, "none", false];
    else if (command.decision !== "keep" && command.decision !== "uphold") {
      if (command.decision === "hide" || command.decision === "take_down") down = true;
      if (command.decision === "suspend" || command.decision === "close") sanction = command.decision;
      [answered, isAgainst] = [false, true];
    }
  }
  return { down, sanction, mayAnswer: isAgainst && !answered };
}

const reason = fc.constantFrom("a", "b");
const command = fc.oneof(
  fc.record({
    kind: fc.constant("decide" as const),
    late: fc.nat({ max: 2 }),
    decision: fc.constantFrom(...Decision.options),
    until: fc.constantFrom(undefined, NOW - DAY, NOW + DAY, NOW + 1000 * DAY),
    reason,
    by: fc.constantFrom(...moderators),
  }),
  fc.record({
    kind: fc.constant("restore" as const),
    late: fc.nat({ max: 2 }),
    reason,
    by: fc.constantFrom(...moderators),
  }),
  fc.record({ kind: fc.constant("answer" as const), text: reason, by: fc.constantFrom(...moderators) }),
);

it("keeps in force exactly what the accepted commands say", () => {
  fc.assert(
    fc.property(
      fc.constantFrom("post" as const, "comment", "person"),
      fc.array(command, { maxLength: 25 }),
      (kind, all) => {
        let row = fresh(kind);
        const accepted: CaseCommand[] = [];
        for (const one of all) {
          const sent: CaseCommand =
            one.kind === "answer" ? one : { ...one, version: Math.max(0, row.version - one.late) };
          const result = nextCase(row, sent, NOW);
          if (!result.ok) {
            // Refused only for a reason.
            if (
              sent.kind === "decide" &&
              sent.version === row.version &&
              sent.by !== person &&
              sent.decision === "warn"
            )
              throw new Error(`refused: ${result.reason}`);
            continue;
          }
          if (result.next === row) continue; // A repetition.
          if (sent.kind !== "answer") {
            expect(sent.version).toBe(row.version);
            expect(sent.by).not.toBe(person);
            expect(result.next).toMatchObject({ open: false, version: row.version + 1 });
          } else expect(result.next).toMatchObject({ open: true, version: row.version });
          row = result.next;
          accepted.push(sent);
          const { down, sanction, mayAnswer: may } = replay(accepted);
          expect(row).toMatchObject({ down, sanction });
          expect(mayAnswer(row)).toBe(may);
          expect(isInForce(row, NOW)).toBe(down || sanction !== "none");
          expect(isInForce(row, NOW + 2 * DAY)).toBe(down || sanction === "close");
          if (down) expect(kind).not.toBe("person");
        }
      },
    ),
    { numRuns: 2000 },
  );
});

it("has one outcome when two moderators decide at once, or one of them twice", () => {
  const row = fresh("post");
  const decide = (decision: Decision, by: PersonId | undefined, version = 0): CaseCommand => ({
    kind: "decide",
    version,
    decision,
    until: undefined,
    reason: "Spam",
    by: by ?? person,
  });
  const first = nextCase(row, decide("take_down", moderators[0]), NOW);
  if (!first.ok) throw new Error(first.reason);
  expect(nextCase(first.next, decide("take_down", moderators[0]), NOW)).toEqual({ ok: true, next: first.next });
  expect(nextCase(first.next, decide("keep", moderators[1]), NOW)).toEqual({ ok: false, reason: "already_decided" });
  expect(nextCase(first.next, decide("keep", moderators[1], 1), NOW)).toEqual({ ok: false, reason: "restore_first" });
});
