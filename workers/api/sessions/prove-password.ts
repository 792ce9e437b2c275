/** Proving that a signed-in viewer knows their password, for what a stolen session must not do. */
import { sql } from "drizzle-orm";
import type { Context } from "hono";
import { Refusal } from "../../../schema/api/refusals.ts";
import { textOf } from "../../../schema/d1/sql.ts";
import type { PersonId } from "../../../schema/ids.ts";
import { credentials, people } from "../../../schema/tables/people.ts";
import type { App } from "../../http/routes.ts";
import { networkIn } from "../../limits/networks.ts";
import { withTurn } from "../../passwords/hashing-turns.ts";
import { verifyPassword } from "../../passwords/passwords.ts";
import { countProof } from "./attempts.ts";

/** What the viewer is called, and the stored form of their password. */
type Credentials = { handle: string; name: string; stored: string };

/**
 * Returns the viewer's credentials if `password` is theirs. Throws `wrong_credentials`, about the request's `field`, if it
 * is not; what the limit of attempts and the turns of hashing refuse; and `not_signed_in` for an account that was closed
 * a moment ago. Costs one D1 query, one actor call and one hash.
 */
export async function provePassword(
  c: Context<App>,
  person: PersonId,
  password: string,
  field: Field = "password",
): Promise<Credentials> {
  return withTurn(networkIn(c.req.raw.headers), async (inTurn) => {
    const [known] = await c.var.reader.primary<Credentials>(person, CREDENTIALS, person);
    if (!known) throw new Refusal("not_signed_in"); // A session may outlive its person.
    await countProof(c, person);
    if (!(await inTurn(() => verifyPassword(c.env, password, known.stored)))) throw wrongPassword(field);
    return known;
  });
}

/** What a request calls the password. */
type Field = "password" | "current";

/** Returns the refusal of a password. */
export function wrongPassword(field: Field): Refusal {
  const message = `Your ${field === "current" ? "current password" : "password"} is wrong. Check it and try again.`;
  return new Refusal("wrong_credentials", message, [{ path: field, message }]);
}

const CREDENTIALS = textOf(sql`
  SELECT ${people.handle}, ${people.name}, ${credentials.password} AS "stored"
  FROM ${people} JOIN ${credentials} ON ${credentials.person} = ${people.id} WHERE ${people.id} = ?1`);
