/** Requests that write. Each expects to succeed. */
import type { PersonId, PostId } from "../../schema/ids.ts";
import type { Request } from "../load/client.ts";
import type { Member } from "./filled-graph.ts";
import type { Person } from "./people.ts";

export const publish = ({ headers, media }: Pick<Member, "headers" | "media">): Request => ({
  method: "POST",
  path: "/v1/posts",
  headers,
  body: { caption: "Low tide", media: [{ id: media }] },
  expects: { status: 201 },
});

/** Likes (PUT) or unlikes (DELETE) the post. */
export const like = (method: "PUT" | "DELETE", post: PostId, headers: Person["headers"]): Request => ({
  method,
  path: `/v1/posts/${post}/like`,
  headers,
  expects: { text: `"liked":${method === "PUT"}` },
});

export const comment = (post: PostId, headers: Person["headers"], text = "The light!"): Request => ({
  method: "POST",
  path: `/v1/posts/${post}/comments`,
  headers,
  body: { text },
  expects: { status: 201 },
});

export const follow = (person: PersonId, headers: Person["headers"]): Request => ({
  method: "PUT",
  path: `/v1/people/${person}/follow`,
  headers,
  expects: { text: '"followedByMe":true' },
});
