/** `npm run admin -- COMMAND`: what the operator of a deployment does, here or anywhere, over its HTTP API. */
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import type { Reconciled } from "../schema/api/admin.ts";
import { Refused } from "./api-client.ts";
import { STATE } from "./places.ts";
import { runningIn } from "./running.ts";
import { failedToStart, StartError } from "./start-error.ts";
import { adminTokenOf } from "./state.ts";

const USAGE = `npm run admin -- reconcile [options]
  Audits posts against their actors, and has what differs written anew. Ends with 1 if anything differed.
  --post ID      this post; may be repeated              (all posts)
  --address URL  the deployment, with its ADMIN_TOKEN    (what npm start serves on this machine)
                 in the environment
  --state PATH   the folder of a local one               (.shutterline)`;

type Place = { address: string; token: string };

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: {
      post: { type: "string", multiple: true },
      address: { type: "string" },
      state: { type: "string", default: STATE },
    },
    allowPositionals: true,
  });
  if (positionals.join(" ") !== "reconcile") throw new StartError(USAGE);
  return reconcile(placeOf(values.address, resolve(values.state)), values.post);
}

function placeOf(address: string | undefined, state: string): Place {
  if (address === undefined) {
    const local = runningIn(state)?.address;
    if (local === undefined) throw new StartError(`Nothing serves ${state}. Start it, or say --address.`);
    return { address: local, token: adminTokenOf(state) };
  }
  const { ADMIN_TOKEN: token } = process.env;
  if (!token) throw new StartError("Put the deployment's secret into the environment as ADMIN_TOKEN.");
  return { address, token };
}

async function reconcile(place: Place, posts: string[] | undefined): Promise<number> {
  const counts = { equal: 0, behind: 0, different: 0, missing: 0 };
  let cursor: string | undefined;
  do {
    const page: Reconciled = await post<Reconciled>(place, "/v1/admin/reconcile", { posts, cursor });
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

async function post<T>({ address, token }: Place, path: string, body: object): Promise<T> {
  const response = await fetch(new URL(path, address), {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new StartError(new Refused(`POST ${path}`, response.status, await response.json()).message);
  return (await response.json()) as T;
}

process.exitCode = await main().catch((error: unknown) => {
  if (error instanceof TypeError && "code" in error) failedToStart(new StartError(`${error.message}\n\n${USAGE}`));
  return failedToStart(error);
});
