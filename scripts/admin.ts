/** `npm run admin -- COMMAND`: what the operator of a deployment does, here or anywhere, over its HTTP API. */
import { parseArgs } from "node:util";
import type { Reconciled } from "../schema/api/admin.ts";
import { Refused } from "./api-client.ts";
import { deadLetters } from "./dead-letters.ts";
import { abortMove, moveShards, showShards } from "./move-shards.ts";
import { Operator } from "./operator.ts";
import { STATE } from "./places.ts";
import { failedToStart, StartError } from "./start-error.ts";
import { showStatus } from "./status.ts";
import { showVapid } from "./vapid.ts";

const USAGE = `npm run admin -- COMMAND [options]
  reconcile                 Audits posts against their actors, and has what differs written anew. Ends with 1 if
                            anything differed.
    --post ID               this post; may be repeated    (all posts)
  status                    Shows how queues, effects, projections and deliveries are. Ends with 1 if something waits
                            for you.
  dead-letters              Lists the messages that were given up on, newest first.
    --queue NAME            those of one queue    (all)
    --replayed              those that were replayed in the last day, and have not died again
  dead-letters show ID      Shows one whole.
  dead-letters replay ID... Sends them to their queues again; with --all in place of numbers, all that wait.
  dead-letters discard ID...
  shards                    Shows which database holds which shards, and what is being moved.
  move-shards RANGE TO      Moves logical shards, like 4096-8191, to the database bound as TO, while people go on.
                            Again: goes on with a move that was interrupted. Ends with 1 if it was aborted.
  abort-move                Takes back a move that is not published yet.
  vapid                     Makes a key for pushes, and says how to set it up.
    --subject ADDRESS       whom push services may write to: mailto:you@example.org, or https://...

  --address URL  the deployment, with its ADMIN_TOKEN    (what npm start serves on this machine)
                 in the environment
  --state PATH   the folder of a local one               (.shutterline)`;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: {
      post: { type: "string", multiple: true },
      queue: { type: "string" },
      all: { type: "boolean" },
      replayed: { type: "boolean" },
      subject: { type: "string" },
      address: { type: "string" },
      state: { type: "string", default: STATE },
    },
    allowPositionals: true,
  });
  const [command, range, target, ...more] = positionals;
  const operator = () => new Operator(values.address, values.state);
  if (command === "move-shards" && range !== undefined && target !== undefined && more.length === 0) {
    return moveShards(operator(), range, target);
  }
  if (command === "dead-letters") return deadLetters(operator(), positionals.slice(1), values);
  switch (positionals.join(" ")) {
    case "reconcile":
      return reconcile(operator(), values.post);
    case "status":
      return showStatus(operator());
    case "shards":
      return showShards(operator());
    case "abort-move":
      return abortMove(operator());
    case "vapid":
      return showVapid(values.subject);
    default:
      throw new StartError(USAGE);
  }
}

async function reconcile(operator: Operator, posts: string[] | undefined): Promise<number> {
  const counts = { equal: 0, behind: 0, different: 0, missing: 0 };
  let cursor: string | undefined;
  do {
    const page: Reconciled = await operator.post<Reconciled>("/v1/admin/reconcile", { posts, cursor });
    for (const { post, audit } of page.items) {
      counts[audit?.verdict ?? "missing"] += 1;
      if (audit?.verdict === "different") console.log(`${post} differs: ${JSON.stringify(audit)}`);
      if (!audit) console.log(`${post}: there is no such post`);
    }
    cursor = page.next;
  } while (cursor !== undefined);
  const { equal, behind, different } = counts;
  console.log(`${equal} equal, ${behind} with changes under way, ${different} different and being written anew`);
  return different > 0 ? 1 : 0;
}

process.exitCode = await main().catch((error: unknown) => {
  if (error instanceof Refused) return failedToStart(new StartError(error.message));
  if (error instanceof TypeError && "code" in error) failedToStart(new StartError(`${error.message}\n\n${USAGE}`));
  return failedToStart(error);
});
