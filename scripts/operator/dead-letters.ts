/** The operator's commands for dead letters. */
import type {
  DeadLetterPage,
  DeadLetterSummary,
  DeadLetterDetails,
  ReplayResult,
} from "../../schema/api/dead-letters.ts";
import { StartError } from "../process/start-error.ts";
import type { Operator } from "./operator.ts";

export type DeadLetterOptions = {
  all?: boolean | undefined;
  queue?: string | undefined;
  replayed?: boolean | undefined;
};

const LETTERS = "/v1/admin/dead-letters";
/** How many ids one request may replay. */
const REPLAYED_MAX = 100;

/**
 * Runs `dead-letters [list|show|replay|discard] ID...`. Returns the exit code: 1 if some letters could not be replayed.
 */
export async function deadLetters(operator: Operator, words: string[], options: DeadLetterOptions): Promise<number> {
  const [command = "list", ...named] = words;
  const ids = named.map(idOf);
  const [first, ...more] = ids;
  if (command === "list" && first === undefined) return list(operator, options);
  if (command === "show" && first !== undefined && more.length === 0) return show(operator, first);
  if (command === "discard" && first !== undefined) return discard(operator, ids);
  if (command === "replay" && (first === undefined) === (options.all === true)) {
    return options.all === true ? replayAll(operator, options.queue) : replay(operator, ids);
  }
  throw new StartError(
    "Usage: dead-letters [list] | show ID | replay ID... | replay --all [--queue NAME] | discard ID...",
  );
}

function idOf(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new StartError(`"${text}" is not the number of a dead letter.`);
  return Number(text);
}

async function list(operator: Operator, { queue, replayed }: DeadLetterOptions): Promise<number> {
  const query = new URLSearchParams({ limit: "50", state: replayed === true ? "replayed" : "waiting" });
  if (queue !== undefined) query.set("queue", queue);
  let shown = 0;
  for (;;) {
    const { items, next } = await operator.get<DeadLetterPage>(`${LETTERS}?${query}`);
    for (const letter of items) console.log(lineOf(letter));
    shown += items.length;
    if (next === undefined) break;
    query.set("cursor", next);
  }
  console.log(shown === 0 ? "No dead letters" : `${shown} dead ${shown === 1 ? "letter" : "letters"}`);
  return 0;
}

/** Formats `17  shutterline-effects  follow 01m3q...  x3, last 2026-11-23T05:00:00.000Z: Error: ...`. */
function lineOf({ id, queue, subject, deaths, replays, lastAt, reason }: DeadLetterSummary): string {
  const times = deaths === 1 ? "" : `x${deaths}, `;
  const again = replays === 0 ? "" : `, replayed ${replays === 1 ? "once" : `${replays} times`}`;
  return `${id}  ${queue}  ${subject}  ${times}last ${lastAt}${again}: ${firstLine(reason ?? "no reason is known")}`;
}

const firstLine = (text: string): string => text.split("\n", 1)[0] ?? "";

async function show(operator: Operator, id: number): Promise<number> {
  const { body, reason, ...letter } = await operator.get<DeadLetterDetails>(`${LETTERS}/${id}`);
  for (const [name, value] of Object.entries(letter)) console.log(`${name}: ${value}`);
  console.log(`reason: ${reason ?? "none is known"}`);
  console.log(`body: ${JSON.stringify(body, undefined, 2)}`);
  return 0;
}

async function replay(operator: Operator, ids: readonly number[]): Promise<number> {
  const done = new Set<number>();
  const unknown: number[] = [];
  for (let start = 0; start < ids.length; start += REPLAYED_MAX) {
    const some = ids.slice(start, start + REPLAYED_MAX);
    const page = await operator.insist<ReplayResult>(`${LETTERS}/replay`, { ids: some });
    for (const id of page.replayed) done.add(id);
    unknown.push(...page.unknown);
  }
  const absent = ids.filter((id) => !done.has(id) && !unknown.includes(id));
  if (absent.length > 0) console.log(`No such dead letter: ${absent.join(", ")}`);
  return Math.max(report(done.size, unknown), Math.min(absent.length, 1));
}

async function replayAll(operator: Operator, queue: string | undefined): Promise<number> {
  let replayed = 0;
  const unknown: number[] = [];
  let cursor: string | undefined;
  do {
    const page: ReplayResult = await operator.insist<ReplayResult>(`${LETTERS}/replay`, { queue, cursor });
    replayed += page.replayed.length;
    unknown.push(...page.unknown);
    cursor = page.next;
  } while (cursor !== undefined);
  return report(replayed, unknown);
}

/** Prints the result of a replay. Returns the exit code. */
function report(replayed: number, unknown: readonly number[]): number {
  console.log(`${replayed} replayed`);
  if (unknown.length > 0) console.log(`Not replayed, because their queue is unknown: ${unknown.join(", ")}`);
  return unknown.length > 0 ? 1 : 0;
}

async function discard(operator: Operator, ids: readonly number[]): Promise<number> {
  for (const id of ids) await operator.delete(`${LETTERS}/${id}`);
  console.log(`${ids.length} discarded`);
  return 0;
}
