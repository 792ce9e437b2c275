import { z } from "@hono/zod-openapi";

const Side = z.object({
  likes: z.number().int().openapi({ description: "The displayed count of likes" }),
  likers: z.number().int().openapi({ description: "Number of people stored as liking the post" }),
  comments: z.number().int().openapi({ description: "The displayed count of comments" }),
  listed: z
    .number()
    .int()
    .optional()
    .openapi({ description: "Number of visible comments in storage; omitted where counting them would be expensive" }),
  seq: z.number().int(),
  digest: z.string().openapi({ description: "Digest of the set of likers. Equal digests mean the same people" }),
});

export const Audit = z
  .object({
    verdict: z.enum(["equal", "behind", "different"]).openapi({
      description:
        "behind: changes are still on their way, try again later. different: the projection will be repaired",
    }),
    actor: Side.openapi({ description: "State of the post's actor, the source of truth" }),
    projection: Side.openapi({ description: "State of the copy in D1 that requests read" }),
  })
  .openapi("Audit");
export type Audit = z.infer<typeof Audit>;
