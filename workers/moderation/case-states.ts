/** The rules of a case: what each command makes of it, and what it refuses. Pure. */
import type { PersonId } from "../../schema/ids.ts";
import type { Decision } from "../../schema/moderation.ts";
import type { RefusalCode } from "../../schema/api/refusals.ts";
import type { CaseRow } from "../../schema/tables/moderation.ts";

export type CaseCommand =
  | { kind: "decide"; version: number; decision: Decision; until: number | undefined; reason: string; by: PersonId }
  | { kind: "restore"; version: number; reason: string; by: PersonId }
  | { kind: "answer"; text: string; by: PersonId };

type Result = { ok: true; next: CaseRow } | { ok: false; reason: RefusalCode };

/** The longest suspension, in ms. A longer one is a closed account. */
const SUSPENSION_MAX = 366 * 86_400_000;

/** Whether the case hides, takes down, suspends or closes something. */
export const isInForce = ({ down, sanction, until }: Pick<CaseRow, "down" | "sanction" | "until">, now = Date.now()) =>
  down || sanction === "close" || (sanction === "suspend" && (until ?? 0) > now);

/** Whether the person concerned may answer: once for each decision that says something against them. */
export const mayAnswer = ({ action, appeal }: Pick<CaseRow, "action" | "appeal">): boolean =>
  action !== null && action !== "keep" && action !== "restore" && appeal === null;

/**
 * Returns the case after a command, or why it is refused. The same row, if a repeated command changes nothing. A command
 * names the `version` it was made for, so of two decisions at once one is refused.
 */
export function nextCase(row: CaseRow, command: CaseCommand, now: number): Result {
  if (command.kind === "answer") return answered(row, command, now);
  const { version, reason, by } = command;
  if (version !== row.version) return isRepeated(row, command) ? { ok: true, next: row } : refused("already_decided");
  if (by === row.person) return refused("decision_not_possible");
  const settled = { ...row, open: false, version: row.version + 1 };
  const decided = { decidedBy: by, decidedAt: now };
  if (command.kind === "restore") {
    if (!isInForce(row, now)) return refused("nothing_to_restore");
    const answer = row.appeal === null ? null : reason;
    const undone = { down: false, sanction: "none", until: null } as const;
    return { ok: true, next: { ...settled, ...decided, ...undone, action: "restore", reason, answer } };
  }
  const { decision, until } = command;
  if (decision === "keep") {
    if (isInForce(row, now)) return refused("restore_first");
    // An earlier warning stands, with what was answered to it.
    return { ok: true, next: row.action === null ? { ...settled, ...decided, action: "keep", reason } : settled };
  }
  if (decision === "uphold") {
    const isAsked = row.open && row.appeal !== null && row.answer === null;
    return isAsked ? { ok: true, next: { ...settled, ...decided, answer: reason } } : refused("decision_not_possible");
  }
  const next = { ...settled, ...decided, action: decision, reason, appeal: null, appealedAt: null, answer: null };
  if (decision === "hide" || decision === "take_down") {
    if (row.kind !== (decision === "hide" ? "comment" : "post")) return refused("decision_not_possible");
    return { ok: true, next: { ...next, down: true } };
  }
  if (decision === "suspend") {
    if (until === undefined || until <= now || until > now + SUSPENSION_MAX) return refused("decision_not_possible");
    return { ok: true, next: { ...next, sanction: "suspend", until } };
  }
  if (decision === "close") return { ok: true, next: { ...next, sanction: "close", until: null } };
  return { ok: true, next };
}

function answered(row: CaseRow, { text, by }: Extract<CaseCommand, { kind: "answer" }>, now: number): Result {
  if (by !== row.person) return refused("decision_not_found");
  if (row.appeal === text) return { ok: true, next: row };
  if (!mayAnswer(row)) return refused("already_answered");
  return { ok: true, next: { ...row, open: true, openedAt: now, appeal: text, appealedAt: now } };
}

/** Whether the last decision is this one, sent again because its response was lost. */
function isRepeated(row: CaseRow, command: Exclude<CaseCommand, { kind: "answer" }>): boolean {
  if (command.version !== row.version - 1 || row.decidedBy !== command.by) return false;
  if (command.kind === "restore") return row.action === "restore" && row.reason === command.reason;
  if (command.decision === "uphold") return row.answer === command.reason;
  return row.action === command.decision && row.reason === command.reason;
}

const refused = (reason: RefusalCode): Result => ({ ok: false, reason });
