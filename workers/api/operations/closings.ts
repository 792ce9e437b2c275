/** The operator's view of closed accounts. */
import { createRoute } from "@hono/zod-openapi";
import { sql } from "drizzle-orm";
import { CloseByHandle, type Closing, Closings } from "../../../schema/api/closings.ts";
import { Refusal } from "../../../schema/api/refusals.ts";
import { databases, isHomeOf } from "../../../schema/d1/shards.ts";
import { textOf } from "../../../schema/d1/sql.ts";
import type { PersonId } from "../../../schema/ids.ts";
import { closings as closingsTable, type Traces } from "../../../schema/tables/closings.ts";
import { closeAccount } from "../../closing/close.ts";
import { body, json, refusals, routes } from "../../http/routes.ts";
import { claimantOf, personExists } from "../../reads/people.ts";
import { forgetPublicResponsesOf } from "../../responses/public-responses.ts";

/** The newest closings that are listed. */
const LISTED = 100;

export const closingRoutes = routes();

closingRoutes.openapi(
  createRoute({
    method: "get",
    path: "/closings",
    summary: "List the newest closed accounts, and the proof that each is erased",
    responses: { 200: json(Closings), ...refusals },
  }),
  async (c) => {
    const found = await Promise.all(
      databases(c.env).map(async (database) => {
        const rows = await database.all<Row>(NEWEST, LISTED);
        return rows.filter(({ person }) => isHomeOf(c.env, database, person));
      }),
    );
    const newest = found.flat().toSorted((a, b) => b.closedAt - a.closedAt);
    return c.json({ items: newest.slice(0, LISTED).map(present) }, 200);
  },
);

closingRoutes.openapi(
  createRoute({
    method: "post",
    path: "/closings",
    summary: "Close somebody's account for good",
    description: "As if they had done it themselves. Cannot be undone.",
    request: body(CloseByHandle),
    responses: { 204: { description: "Closed" }, ...refusals },
  }),
  async (c) => {
    const { handle } = c.req.valid("json");
    const person = await claimantOf(c.env, handle);
    const isThere = person !== undefined && (await personExists(c.env, person, handle));
    if (!isThere || !(await closeAccount(c.env, person))) throw new Refusal("person_not_found");
    forgetPublicResponsesOf(person);
    return c.body(null, 204);
  },
);

type Row = { person: PersonId; handle: string | null; closedAt: number; doneAt: number | null } & Record<
  "before" | "remaining",
  string | null
>;

const NEWEST = textOf(sql`
  SELECT ${closingsTable.person}, ${closingsTable.handle}, ${closingsTable.closedAt} AS "closedAt",
    ${closingsTable.doneAt} AS "doneAt", ${closingsTable.before}, ${closingsTable.remaining}
  FROM ${closingsTable} ORDER BY ${closingsTable.closedAt} DESC LIMIT ?1`);

const parsed = (counts: string | null): Traces | null => (counts === null ? null : (JSON.parse(counts) as Traces));

const present = ({ person, handle, closedAt, doneAt, before, remaining }: Row): Closing => ({
  person,
  handle,
  closedAt: new Date(closedAt).toISOString(),
  erasedAt: doneAt === null ? null : new Date(doneAt).toISOString(),
  before: parsed(before),
  left: parsed(remaining),
});
