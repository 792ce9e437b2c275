/** What follows from an upload: the picture is looked at, and ends as `ready` with its renditions, or as `rejected`. */
import { and, eq } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import type { Effect } from "../../schema/facts.ts";
import type { MediaId } from "../../schema/ids.ts";
import { databaseOf } from "../../schema/shards.ts";
import { media } from "../../schema/tables/posts.ts";
import { effects } from "../../schema/tables/people.ts";
import { effectDone } from "../effects.ts";
import { isTurned, readExif } from "./exif.ts";
import { deleteObjects, originalKey } from "./objects.ts";
import { Rejected, type Rejection } from "./rejections.ts";
import { makeRenditions, storeRenditions } from "./renditions.ts";
import { sizeOfRendition, statedSize, uprightSize } from "./size.ts";

type Inspect = Extract<Effect, { kind: "inspect" }>;
type Found = { contentType: string; attempts: number | null };
type Findings = Pick<typeof media.$inferSelect, "width" | "height" | "orientation" | "takenAt" | "camera">;

/** As much of an original as is ever parsed by our own code: enough for the longest EXIF and a colour profile. */
const HEAD_BYTES = 128 * 1024;
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
    .select({ state: media.state, contentType: media.contentType, attempts: effects.attempts })
    .from(media)
    .leftJoin(effects, eq(effects.id, effect.id))
    .where(eq(media.id, effect.media))
    .get();

async function settle(env: Env, effect: Inspect, { contentType, attempts }: Found): Promise<void> {
  try {
    if ((attempts ?? 0) >= ATTEMPTS_MAX) throw new Rejected("inspection_failed");
    const findings = await inspect(env, effect.media, contentType);
    if (await writeReady(env, effect, findings)) return;
  } catch (error) {
    if (!(error instanceof Rejected)) throw error;
    await writeRejected(env, effect.media, error.code);
  }
  await inspectMedia(env, effect); // The state is no longer "uploaded": what is left is to clean up after it.
}

async function inspect(env: Env, id: MediaId, contentType: string): Promise<Findings> {
  const head = await readHead(env, id);
  const stated = await statedSize(env, id, contentType, new Uint8Array(head));
  const exif = readExif(head);
  // AVIF turns its pictures by properties of its own (irot), and its EXIF repeats at most what they say.
  if (contentType === "image/avif") exif.orientation = null;
  const renditions = await makeRenditions(env, id);
  const size = uprightSize(stated, sizeOfRendition(renditions.w1080), isTurned(exif));
  await storeRenditions(env, id, renditions);
  return { ...size, ...exif };
}

async function readHead(env: Env, id: MediaId): Promise<ArrayBuffer> {
  const head = await env.MEDIA.get(originalKey(id), { range: { offset: 0, length: HEAD_BYTES } });
  if (!head) throw new Error(`the original of ${id} is missing`);
  return head.arrayBuffer();
}

/** Whether it was this call that wrote it. */
async function writeReady(env: Env, effect: Inspect, found: Findings): Promise<boolean> {
  const database = databaseOf(env, effect.media);
  const [written] = await database.batch([
    database
      .prepare(
        `UPDATE media SET state = 'ready', width = ?, height = ?, orientation = ?, taken_at = ?, camera = ?
         WHERE id = ? AND state = 'uploaded'`,
      )
      .bind(found.width, found.height, found.orientation, found.takenAt, found.camera, effect.media),
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
