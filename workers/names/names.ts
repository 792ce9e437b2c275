/** Which names people may give themselves. */
import { sql } from "drizzle-orm";
import { Refusal } from "../../schema/api/refusals.ts";
import { databaseOf } from "../../schema/d1/shards.ts";
import { textOf, valueOf } from "../../schema/d1/sql.ts";
import type { PersonId } from "../../schema/ids.ts";
import { people } from "../../schema/tables/people.ts";
import { lookalikeOf } from "./lookalikes.ts";
import { refuseReservedName } from "./reserved-names.ts";
import { skeletonOf } from "./skeletons.ts";

/**
 * Throws `name_reserved` for a name that can be taken for somebody in charge, or for the handle of another large
 * author. `person` gives themselves the name; undefined for a new one. Costs two D1 queries if the name looks like a
 * handle, else none.
 */
export async function refuseForeignName(env: Env, name: string, person: PersonId | undefined): Promise<void> {
  refuseReservedName(name);
  const owner = await lookalikeOf(env, name);
  if (owner === undefined || owner === person) return;
  const known = await databaseOf(env, owner).first<{ handle: string }>(LARGE, owner);
  if (known === undefined || skeletonOf(known.handle) !== skeletonOf(name)) return;
  const message = "This name looks like the handle of somebody whom many people follow. Choose another one.";
  throw new Refusal("name_reserved", message, [{ path: "name", message }]);
}

const LARGE = textOf(sql`
  SELECT ${people.handle} FROM ${people} WHERE ${people.id} = ?1 AND ${people.reach} <> ${valueOf(people.reach, "pushed")}`);
