import { and, eq, sql } from "drizzle-orm";
import { statement } from "../../../schema/d1/database.ts";
import type { HandedOut, Snapshot } from "../../../durable-objects/post/post-results.ts";
import { IDEMPOTENCY_KEY_LASTS } from "../../../schema/api/common.ts";
import { newId, type PersonId, type PostId, shardOf } from "../../../schema/ids.ts";
import { databaseOf } from "../../../schema/d1/shards.ts";
import { list, textOf } from "../../../schema/d1/sql.ts";
import { idempotencyKeys, media } from "../../../schema/tables/posts.ts";
import { claimError, claimMedia, type RequestedFile } from "../../media/claims.ts";
import { mediaState } from "../../media/files/media-row.ts";
import { deliverSoon } from "../../projector/handed-out.ts";
import type { Reader } from "../../storage/reader.ts";
import { Refusal } from "../../../schema/api/refusals.ts";

type NewBody = { caption: string; media: RequestedFile[]; mentions: PersonId[] };
type Published = { id: PostId; post: Snapshot & HandedOut };

/**
 * Publishes a post through a new post actor, whose commit is the fact. The rows in D1 are written after the response, and
 * then the post goes to fan-out; if that fails, the actor sends it ten seconds later. Until then the author reads the post from its actor, because the
 * `Consistency-Token` names it.
 *
 * With a `key` (of `author`, valid for a day) the same body makes only one post: the first request settles the post's
 * id, and publishing again to the same actor changes nothing and returns the current post. A key costs one more D1
 * batch.
 */
export async function publish(
  reader: Reader,
  author: PersonId,
  body: NewBody,
  key: string | undefined,
): Promise<Published> {
  const { env } = reader;
  const published = await (key === undefined ? publishNew(env, author, body) : publishOnce(env, author, body, key));
  deliverSoon(env, reader.background, published.post);
  return published;
}

async function publishNew(env: Env, author: PersonId, body: NewBody): Promise<Published> {
  for (;;) {
    const id = newId<PostId>(shardOf(author));
    const post = await publishAs(env, id, author, body);
    // Otherwise the id is taken, which happens once in 1024 times to two posts of a shard in the same millisecond.
    if (post) return { id, post };
  }
}

async function publishAs(env: Env, id: PostId, author: PersonId, { media, ...words }: NewBody) {
  const claimed = await claimMedia(env, author, id, media);
  return env.POSTS.getByName(id).publish({ id, author, ...words, media: claimed }, { takes: true });
}

async function publishOnce(env: Env, author: PersonId, body: NewBody, key: string): Promise<Published> {
  for (;;) {
    const { id, isNew } = await postIdOf(env, author, key, body.media);
    // Before the media is claimed, because claimed media counts as published.
    if (!isNew && (await showsOtherMedia(env, id, author, body.media))) throw new Refusal("idempotency_key_reused");
    const post = await publishAs(env, id, author, body);
    if (post) return { id, post };
    if (!isNew) throw new Refusal("idempotency_key_reused");
    await forgetKey(env, author, key); // The id was taken, as above.
  }
}

/** Tells whether the post exists and shows other media than `wanted`. */
async function showsOtherMedia(
  env: Env,
  id: PostId,
  author: PersonId,
  wanted: readonly RequestedFile[],
): Promise<boolean> {
  const known = await env.POSTS.getByName(id).snapshot(author);
  if (!known.ok) return false;
  const { media } = known.body;
  return media.length !== wanted.length || media.some((file, index) => file.id !== wanted[index]?.id);
}

/**
 * Returns the id of the post that `key` stands for, which is the same for every request with the key. Uses up no key for files
 * that cannot be published now: then it throws why. So only posts leave rows, and the limit of posts bounds those.
 */
async function postIdOf(
  env: Env,
  person: PersonId,
  key: string,
  wanted: readonly RequestedFile[],
): Promise<{ id: PostId; isNew: boolean }> {
  const database = databaseOf(env, person);
  const ids = [...new Set(wanted.map(({ id }) => id))];
  const candidate = newId<PostId>(shardOf(person));
  const forgotten = newId<PostId>(0, Date.now() - IDEMPOTENCY_KEY_LASTS, 0);
  const [, inserted, settled] = await database.batch<Pick<typeof idempotencyKeys.$inferSelect, "post">>([
    statement(FORGET_OLD_KEYS, person, forgotten),
    statement(USE_KEY, person, key, candidate, JSON.stringify(ids), ids.length),
    statement(POST_OF_KEY, person, key),
  ]);
  const post = settled?.rows[0]?.post;
  if (post === undefined) throw await claimError(env, person, ids);
  return { id: post, isNew: (inserted?.changes ?? 0) > 0 };
}

const FORGET_OLD_KEYS = textOf(sql`
  DELETE FROM ${idempotencyKeys} WHERE ${idempotencyKeys.person} = ?1 AND ${idempotencyKeys.post} < ?2`);
const USE_KEY = textOf(sql`
  INSERT INTO ${idempotencyKeys} (${list(idempotencyKeys.person, idempotencyKeys.key, idempotencyKeys.post)})
  SELECT ?1, ?2, ?3 WHERE ?5 = (
    SELECT count(*) FROM ${media}
    WHERE ${media.id} IN (SELECT value FROM json_each(?4)) AND ${media.owner} = ?1 AND ${media.state} = ${mediaState("ready")})
  ON CONFLICT DO NOTHING`);
const POST_OF_KEY = textOf(sql`
  SELECT ${idempotencyKeys.post} FROM ${idempotencyKeys}
  WHERE ${idempotencyKeys.person} = ?1 AND ${idempotencyKeys.key} = ?2`);

async function forgetKey(env: Env, person: PersonId, key: string): Promise<void> {
  await databaseOf(env, person)
    .orm.delete(idempotencyKeys)
    .where(and(eq(idempotencyKeys.person, person), eq(idempotencyKeys.key, key)));
}
