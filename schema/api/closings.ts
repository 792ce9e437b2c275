import { z } from "@hono/zod-openapi";
import { PersonId } from "../ids.ts";
import { Handle, Password } from "./people.ts";

export const CloseAccount = z.object({ password: Password }).openapi("CloseAccount");

const Counts = z.record(z.string(), z.number().int());

/** How far the erasing of a closed account has come. */
export const Closing = z
  .object({
    person: PersonId,
    handle: Handle.nullable().openapi({ description: "Null once it is free again" }),
    closedAt: z.iso.datetime(),
    erasedAt: z.iso.datetime().nullable().openapi({ description: "When nothing was left; null until then" }),
    before: Counts.nullable().openapi({
      description: "How many rows named the person when the erasing began, by table",
    }),
    left: Counts.nullable().openapi({ description: "How many still did when they were last counted" }),
  })
  .openapi("Closing");
export type Closing = z.infer<typeof Closing>;

export const Closings = z.object({ items: z.array(Closing) }).openapi("Closings");
export type Closings = z.infer<typeof Closings>;

export const CloseByHandle = z.object({ handle: Handle }).openapi("CloseByHandle");
