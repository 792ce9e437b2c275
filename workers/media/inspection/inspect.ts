/** What follows from an upload: the picture is looked at, and ends as `ready` with its renditions, or as `rejected`. */
import { and, eq } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import type { Effect } from "../../../schema/facts.ts";
import { isVideo } from "../../../schema/media-types.ts";
import type { MediaId } from "../../../schema/ids.ts";
import { databaseOf } from "../../../schema/shards.ts";
import { media } from "../../../schema/tables/posts.ts";
import { effects } from "../../../schema/tables/people.ts";
import { effectDone } from "../../effects.ts";
import { deleteObjects } from "../objects.ts";
import { inspectPicture } from "../pictures/picture.ts";
import { inspectVideo } from "../videos/video.ts";
import type { Findings, Original } from "./findings.ts";
import { Rejected, type Rejection } from "./rejections.ts";

type Inspect = Extract<Effect, { kind: "inspect" }>;
type Found = Omit<Original, "id"> & { attempts: number | null };

/** Of an effect, half an hour after the upload. What has not been done by then would crash us for ever. */
const ATTEMPTS_MAX = 7;

/** Settles an upload. The message may come again: whoever writes the state first decides, and all others follow. */
export async function inspectMedia(env: Env, effect: Inspect): Promise<void> {
  const found = await find(env, effect);
  switch (found?.state) {
    case "uploaded":
      await settle(env, effect, found);
      return;
    case "rejected":
    case undefined:
      await deleteObjects(env, effect.media);
      break;
    case "ready":
    case "uploading":
      break;
  }
  await effectDone(env, effect.id);
}

const find = (env: Env, effect: Inspect) =>
  drizzle(databaseOf(env, effect.media))
    .select({ state: media.state, contentType: media.contentType, bytes: media.bytes, attempts: effects.attempts })
    .from(media)
    .leftJoin(effects, eq(effects.id, effect.id))
    .where(eq(media.id, effect.media))
    .get();

async function settle(env: Env, effect: Inspect, { attempts, ...found }: Found): Promise<void> {
  try {
    if ((attempts ?? 0) >= ATTEMPTS_MAX) throw new Rejected("inspection_failed");
    const findings = await inspect(env, { id: effect.media, ...found });
    if (await writeReady(env, effect, findings)) return;
  } catch (error) {
    if (!(error instanceof Rejected)) throw error;
    await writeRejected(env, effect.media, error.code);
  }
  await inspectMedia(env, effect); // The state is no longer "uploaded": what is left is to clean up after it.
}

function inspect(env: Env, original: Original): Promise<Findings> {
  return isVideo(original.contentType) ? inspectVideo(env, original) : inspectPicture(env, original);
}

/** Whether it was this call that wrote it. */
async function writeReady(env: Env, effect: Inspect, found: Findings): Promise<boolean> {
  const database = databaseOf(env, effect.media);
  const [written] = await database.batch([
    database
      .prepare(
        // The poster of a video may have come before.
        `UPDATE media SET state = 'ready', width = ?1, height = ?2,
           details = iif(details ->> '$.thumbhash' IS NULL, ?3, json_set(?3, '$.thumbhash', details ->> '$.thumbhash'))
         WHERE id = ?4 AND state = 'uploaded'`,
      )
      .bind(found.width, found.height, JSON.stringify(found.details), effect.media),
    database.prepare("DELETE FROM effects WHERE id = ?").bind(effect.id),
  ]);
  return (written?.meta.changes ?? 0) > 0;
}

async function writeRejected(env: Env, id: MediaId, rejection: Rejection): Promise<void> {
  await drizzle(databaseOf(env, id))
    .update(media)
    .set({ state: "rejected", rejection })
    .where(and(eq(media.id, id), eq(media.state, "uploaded")));
}
