import { z } from "@hono/zod-openapi";

const Side = z.object({
  likes: z.number().int().openapi({ description: "The count that is shown" }),
  likers: z.number().int().openapi({ description: "How many people are stored as liking it" }),
  comments: z.number().int().openapi({ description: "The count that is shown" }),
  listed: z
    .number()
    .int()
    .optional()
    .openapi({ description: "How many comments are stored to be seen; left out where counting them would be dear" }),
  seq: z.number().int(),
  digest: z.string().openapi({ description: "Of the set of likers: the same digest, the same people" }),
});

export const Audit = z
  .object({
    verdict: z.enum(["equal", "behind", "different"]).openapi({
      description: "behind: changes are under way, so ask again. different: it will be repaired",
    }),
    actor: Side.openapi({ description: "What is true" }),
    projection: Side.openapi({ description: "What is read" }),
  })
  .openapi("Audit");
export type Audit = z.infer<typeof Audit>;
