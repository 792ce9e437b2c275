/** Fills an empty Shutterline with the demo community, using only the public API. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Comment } from "../../schema/api/posts.ts";
import type { CommentId, MediaId } from "../../schema/ids.ts";
import { Api, listAll, ResponseError } from "../api-client.ts";
import { ROOT } from "../paths.ts";
import { ALT, DEMO, PEOPLE, type Photograph, POSTS, type SeedPost } from "./seed-data.ts";

/** All people of the demo share this password, which `npm start` prints. */
const { password } = DEMO;

/**
 * Creates the demo at `address`, and returns a summary of it. It may be repeated: it finds what an interrupted seed has
 * created, and adds only the rest. It works sequentially, because hashing passwords and encoding pictures keep the
 * processor busy anyway.
 */
export async function seed(address: string, progress: (done: string) => void): Promise<string> {
  const anonymous = new Api(address);
  const people = new Map<string, Api>();
  const as = (handle: string): Api => people.get(handle) ?? fail(`${handle} is not in the seed`);

  const pictures = new Map<Api, MediaId>();
  for (const { handle, name, bio, picture } of PEOPLE) {
    const person = anonymous.as(await signIn(anonymous, handle, name));
    const me = await person.editMe({ bio });
    // They are inspected while everything else is made.
    if (picture && !me.picture) pictures.set(person, (await person.upload(readPhotograph(picture))).id);
    people.set(handle, person);
    progress(`${people.size} of ${PEOPLE.length} people`);
  }
  for (const { handle, follows } of PEOPLE) for (const other of follows) await as(handle).follow(other);
  for (const [index, post] of POSTS.entries()) {
    const id = await publishIfAbsent(as(post.author), post);
    for (const handle of post.likes) await as(handle).like(id);
    await discuss(as, id, post);
    progress(`${index + 1} of ${POSTS.length} posts`);
  }
  for (const [person, picture] of pictures) {
    await person.untilInspected(picture);
    await person.setPicture(picture);
  }
  for (const { handle, followsLater } of PEOPLE) for (const other of followsLater) await as(handle).follow(other);
  return `${PEOPLE.length} people and ${POSTS.length} posts`;
}

/** Signs the person up, or in if the account exists. */
async function signIn(anonymous: Api, handle: string, name: string): Promise<{ token: string }> {
  try {
    return await anonymous.signUp({ handle, password, name });
  } catch (error) {
    if (error instanceof ResponseError && error.code === "handle_taken")
      return await anonymous.signIn(handle, password);
    throw error;
  }
}

/** Publishes the post unless it exists, and returns its id. */
async function publishIfAbsent(author: Api, { author: handle, caption, photographs }: SeedPost): Promise<string> {
  const posts = await listAll((page) => author.postsOf(handle, page));
  const existing = posts.find((post) => post.caption === caption);
  if (existing) return existing.id;
  const media: { id: MediaId; alt: string }[] = [];
  for (const photograph of photographs) media.push(await upload(author, photograph));
  return (await author.publish({ caption, media })).id;
}

/**
 * Adds the missing comments to a post, with their likes and the pin. Existing comments are recognized by their text.
 */
async function discuss(as: (handle: string) => Api, post: string, { author, comments }: SeedPost): Promise<void> {
  const existing = new Map((await commentsOf(as(author), post)).map(({ text, id }) => [text, id]));
  const ids: CommentId[] = [];
  for (const [handle, text, { answers, likes = [], pinned = false } = {}] of comments) {
    const id =
      existing.get(text) ?? (await as(handle).comment(post, text, answers === undefined ? undefined : ids[answers])).id;
    for (const other of likes) await as(other).likeComment(post, id);
    if (pinned) await as(author).pinComment(post, id);
    ids.push(id);
  }
}

/** Returns the comments of a post, and their replies. */
async function commentsOf(reader: Api, post: string): Promise<Comment[]> {
  const comments = await listAll((page) => reader.comments(post, page));
  const threads = await Promise.all(comments.map(({ id }) => listAll((page) => reader.replies(post, id, page))));
  return [...comments, ...threads.flat()];
}

async function upload(author: Api, photograph: Photograph): Promise<{ id: MediaId; alt: string }> {
  const { id } = await author.upload(readPhotograph(photograph));
  const { state, rejection } = await author.untilInspected(id);
  if (state !== "ready") fail(`${photograph} was rejected: ${rejection?.detail}`);
  return { id, alt: ALT[photograph] };
}

/** Reads a demo photograph from its npm package. */
export const readPhotograph = (name: Photograph): Uint8Array<ArrayBuffer> =>
  new Uint8Array(readFileSync(join(ROOT, "node_modules/@stdlib", `datasets-img-${name}`, "data/image.jpg")));

function fail(message: string): never {
  throw new Error(message);
}
