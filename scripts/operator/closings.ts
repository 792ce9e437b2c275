/** The operator's commands for closing accounts. */
import { createInterface } from "node:readline/promises";
import type { Closing, Closings } from "../../schema/api/closings.ts";
import type { Operator } from "./operator.ts";

/** Closes somebody's account, after they have typed its handle again. Returns the exit code: 1 if they did not. */
export async function closeAccount(operator: Operator, handle: string, isSure: boolean): Promise<number> {
  if (!isSure) {
    const asking = createInterface({ input: process.stdin, output: process.stderr });
    const typed = await asking.question(
      `This erases the account ${handle} with its posts, likes, comments and files, and cannot be undone.\n` +
        "Type the handle to go on: ",
    );
    asking.close();
    if (typed.trim() !== handle) {
      console.error("That is not the handle. Nothing was closed.");
      return 1;
    }
  }
  await operator.post("/v1/admin/closings", { handle });
  console.log(`${handle} is closed and is being erased. \`npm run admin -- closed\` shows when nothing is left.`);
  return 0;
}

/** Lists the newest closed accounts with their proofs. Returns the exit code: 0. */
export async function showClosings(operator: Operator): Promise<number> {
  const { items } = await operator.get<Closings>("/v1/admin/closings");
  for (const closing of items) console.log(lineOf(closing));
  if (items.length === 0) console.log("No closed accounts");
  return 0;
}

/** Formats `2026-11-23T05:00:00.000Z  ada  01m3q...  erased after 12 s: 0 left of 3 posts, 12 likes`. */
function lineOf({ person, handle, closedAt, erasedAt, before, left }: Closing): string {
  const seconds = erasedAt === null ? undefined : Math.round((Date.parse(erasedAt) - Date.parse(closedAt)) / 1000);
  const state = seconds === undefined ? "being erased" : `erased after ${seconds} s`;
  return `${closedAt}  ${handle ?? "(handle free again)"}  ${person}  ${state}: ${countsOf(left) || "0"} left of ${countsOf(before) || "nothing"}`;
}

const countsOf = (counts: Closing["left"]): string =>
  Object.entries(counts ?? {})
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${count} ${name}`)
    .join(", ");
