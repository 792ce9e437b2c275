/** `npm run admin -- COMMAND`: the operator's commands for a local or remote deployment, over its HTTP API. */
import { parseArgs } from "node:util";
import type { Reconciled } from "../schema/api/admin.ts";
import { ResponseError } from "./api-client.ts";
import { showVapid } from "./local-server/vapid.ts";
import { closeAccount, showClosings } from "./operator/closings.ts";
import { deadLetters } from "./operator/dead-letters.ts";
import { abortMove, moveShards, showShards } from "./operator/move-shards.ts";
import { Operator } from "./operator/operator.ts";
import { showResetLink } from "./operator/reset-links.ts";
import { showStatus } from "./operator/status.ts";
import { STATE } from "./paths.ts";
import { exitWithError, StartError } from "./process/start-error.ts";

const USAGE = `npm run admin -- COMMAND [options]
  reconcile                 Audit posts against their actors and repair the projections that differ. Exits with 1 if
                            any differed.
    --post ID               audit only this post; may be repeated    (all posts)
  status                    Show the state of queues, effects, projections and deliveries. Exits with 1 if something
                            needs your attention.
  role HANDLE ROLE          Make a person a moderator or operator, or neither any more with none.
  dead-letters              List the messages that failed permanently, newest first.
    --queue NAME            only those of one queue    (all queues)
    --replayed              those replayed in the last day that have not failed again
  dead-letters show ID      Show one dead letter with its body.
  dead-letters replay ID... Send dead letters to their queues again.
    --all                   all of them, or all of --queue NAME
  dead-letters discard ID...
                            Delete dead letters.
  shards                    Show which database holds which shards, and any move in progress.
  move-shards RANGE TO      Move logical shards, such as 4096-8191, to the database bound as TO. Writes of the people
                            in these shards pause for a few seconds. Run it again to resume an interrupted move. Exits
                            with 1 if the move was aborted.
  abort-move                Undo a move that is not published yet.
  reset-link HANDLE         Issue a link with which a person can choose a new password. It works once, for an hour. Make
                            sure that you give it to the owner of the account.
  close HANDLE              Close an account and erase everything of it. Asks for the handle again.
    --yes                   do not ask
  closed                    List the newest closed accounts, and what is left of each.
  vapid                     Generate a key for Web Push and show how to set it up.
    --subject ADDRESS       your contact address for push services: mailto:you@example.org or https://...

  --address URL  the deployment; set ADMIN_TOKEN in the    (the one that npm start runs here)
                 environment to its token
  --state PATH   the data folder of a local deployment     (.shutterline)`;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: {
      post: { type: "string", multiple: true },
      queue: { type: "string" },
      all: { type: "boolean" },
      replayed: { type: "boolean" },
      yes: { type: "boolean", default: false },
      subject: { type: "string" },
      address: { type: "string" },
      state: { type: "string", default: STATE },
    },
    allowPositionals: true,
  });
  const [command, range, target, ...more] = positionals;
  const operator = () => new Operator(values.address, values.state);
  if (command === "role" && range !== undefined && target !== undefined && more.length === 0) {
    return setRole(operator(), range, target);
  }
  if (command === "move-shards" && range !== undefined && target !== undefined && more.length === 0) {
    return moveShards(operator(), range, target);
  }
  if (command === "reset-link" && range !== undefined && target === undefined) return showResetLink(operator(), range);
  if (command === "close" && range !== undefined && target === undefined) {
    return closeAccount(operator(), range, values.yes);
  }
  if (command === "dead-letters") return deadLetters(operator(), positionals.slice(1), values);
  switch (positionals.join(" ")) {
    case "reconcile":
      return reconcile(operator(), values.post);
    case "status":
      return showStatus(operator());
    case "shards":
      return showShards(operator());
    case "closed":
      return showClosings(operator());
    case "abort-move":
      return abortMove(operator());
    case "vapid":
      return showVapid(values.subject);
    default:
      throw new StartError(USAGE);
  }
}

async function setRole(operator: Operator, handle: string, role: string): Promise<number> {
  const { person } = await operator.insist<{ person: { handle: string } }>("/v1/admin/roles", { handle, role });
  const isNone = role === "none";
  console.log(
    isNone
      ? `@${person.handle} has no role any more`
      : `@${person.handle} is ${role === "operator" ? "an" : "a"} ${role} now`,
  );
  return 0;
}

async function reconcile(operator: Operator, posts: string[] | undefined): Promise<number> {
  const counts = { equal: 0, behind: 0, different: 0, missing: 0 };
  let cursor: string | undefined;
  do {
    const page: Reconciled = await operator.post<Reconciled>("/v1/admin/reconcile", { posts, cursor });
    for (const { post, audit } of page.items) {
      counts[audit?.verdict ?? "missing"] += 1;
      if (audit?.verdict === "different") console.log(`${post} differs: ${JSON.stringify(audit)}`);
      if (!audit) console.log(`${post}: no such post`);
    }
    cursor = page.next;
  } while (cursor !== undefined);
  const { equal, behind, different } = counts;
  console.log(`${equal} equal, ${behind} catching up, ${different} different and being repaired`);
  return different > 0 ? 1 : 0;
}

process.exitCode = await main().catch((error: unknown) => {
  if (error instanceof ResponseError) return exitWithError(new StartError(error.message));
  if (error instanceof TypeError && "code" in error) exitWithError(new StartError(`${error.message}\n\n${USAGE}`));
  return exitWithError(error);
});
