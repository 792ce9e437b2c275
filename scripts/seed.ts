/** Fills an empty Shutterline with the demo community, through the API alone, as its people would. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Comment } from "../schema/api/posts.ts";
import type { CommentId, MediaId } from "../schema/ids.ts";
import { all, Api, Refused } from "./api-client.ts";
import { ROOT } from "./places.ts";
import { ALT, DEMO, PEOPLE, type Photograph, POSTS, type SeedPost } from "./seed-data.ts";

/** Everybody of the demo has the same password, which the start prints. */
const { password } = DEMO;

/**
 * Repeating it is harmless: what an interrupted seed has made is found again, and only the rest is added. Returns what
 * there is in the end. One thing after the other: hashing passwords and encoding pictures keep the processor busy anyway.
 */
export async function seed(address: string, progress: (done: string) => void): Promise<string> {
  const visitor = new Api(address);
  const people = new Map<string, Api>();
  const as = (handle: string): Api => people.get(handle) ?? fail(`${handle} is not one of the people of the seed`);

  for (const { handle, name, bio } of PEOPLE) {
    const person = visitor.as(await signedIn(visitor, handle, name));
    await person.editMe({ bio });
    people.set(handle, person);
    progress(`${people.size} of ${PEOPLE.length} people`);
  }
  for (const { handle, follows } of PEOPLE) for (const other of follows) await as(handle).follow(other);
  for (const [index, post] of POSTS.entries()) {
    const id = await published(as(post.author), post);
    for (const handle of post.likes) await as(handle).like(id);
    await discuss(as, id, post);
    progress(`${index + 1} of ${POSTS.length} posts`);
  }
  for (const { handle, followsLater } of PEOPLE) for (const other of followsLater) await as(handle).follow(other);
  return `${PEOPLE.length} people and ${POSTS.length} posts`;
}

async function signedIn(visitor: Api, handle: string, name: string): Promise<{ token: string }> {
  try {
    return await visitor.signUp({ handle, password, name });
  } catch (error) {
    if (error instanceof Refused && error.code === "handle_taken") return await visitor.signIn(handle, password);
    throw error;
  }
}

/** The id of the post, which is published unless it is there already. */
async function published(author: Api, { author: handle, caption, photographs }: SeedPost): Promise<string> {
  const posts = await all((page) => author.postsOf(handle, page));
  const there = posts.find((post) => post.caption === caption);
  if (there) return there.id;
  const media: { id: MediaId; alt: string }[] = [];
  for (const photograph of photographs) media.push(await uploaded(author, photograph));
  return (await author.publish({ caption, media })).id;
}

/** What was said on a post, found again by its words. */
async function discuss(as: (handle: string) => Api, post: string, { author, comments }: SeedPost): Promise<void> {
  const said = new Map((await saidOn(as(author), post)).map(({ text, id }) => [text, id]));
  const ids: CommentId[] = [];
  for (const [handle, text, { answers, likes = [], pinned = false } = {}] of comments) {
    const id =
      said.get(text) ?? (await as(handle).comment(post, text, answers === undefined ? undefined : ids[answers])).id;
    for (const other of likes) await as(other).likeComment(post, id);
    if (pinned) await as(author).pinComment(post, id);
    ids.push(id);
  }
}

/** The comments, and the replies to them. */
async function saidOn(reader: Api, post: string): Promise<Comment[]> {
  const comments = await all((page) => reader.comments(post, page));
  const threads = await Promise.all(comments.map(({ id }) => all((page) => reader.replies(post, id, page))));
  return [...comments, ...threads.flat()];
}

async function uploaded(author: Api, photograph: Photograph): Promise<{ id: MediaId; alt: string }> {
  const { id } = await author.upload(photographOf(photograph));
  const { state, rejection } = await author.inspected(id);
  if (state !== "ready") fail(`${photograph} was rejected: ${rejection?.detail}`);
  return { id, alt: ALT[photograph] };
}

export const photographOf = (name: Photograph): Uint8Array<ArrayBuffer> =>
  new Uint8Array(readFileSync(join(ROOT, "node_modules/@stdlib", `datasets-img-${name}`, "data/image.jpg")));

function fail(message: string): never {
  throw new Error(message);
}
