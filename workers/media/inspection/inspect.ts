/** What follows from an upload: it is looked at, and ends as `ready` with all that is served of it, or as `rejected`. */
import { InspectEffect } from "../../../schema/messages/facts.ts";
import type { EffectId } from "../../../schema/ids.ts";
import { isVideo } from "../../../schema/media/media-types.ts";
import { byDatabase, databaseOf, renewShards } from "../../../schema/d1/shards.ts";
import { effectDone } from "../../storage/effects.ts";
import { consume, consumeApart } from "../../operations/consume.ts";
import { deleteObjects } from "../objects.ts";
import { inspectPicture } from "../pictures/picture.ts";
import type { MediaRow } from "../media-row.ts";
import { inspectVideo } from "../videos/video.ts";
import type { Findings, Original } from "./findings.ts";
import { Rejected, type Rejection, RETRYABLE } from "./rejections.ts";
import { gathered, type Verdict } from "./verdicts.ts";

/** Of an effect, half an hour after the upload. What has not been done by then would crash us for ever. */
const ATTEMPTS_MAX = 7;

/**
 * Inspects the files of a batch together, each with its own end. A batch that comes again may have been ended by one of
 * them, which took the whole isolate with it: then one after the other, what was tried least first, and each attempt is
 * counted before it is made. So such a file stands in nobody's way for long, and is given up in the end.
 */
export async function consumeInspections(batch: MessageBatch, env: Env): Promise<void> {
  if (batch.messages.every(({ attempts }) => attempts === 1)) {
    await consumeApart(batch, env, InspectEffect, (effects) => inspectAll(env, effects));
    return;
  }
  const jobs = await find(
    env,
    batch.messages.flatMap(({ body }) => InspectEffect.safeParse(body).data ?? []),
  );
  const triesOf = ({ body }: Message) =>
    jobs.get(InspectEffect.safeParse(body).data?.id ?? ("" as EffectId))?.attempts ?? 0;
  const messages = batch.messages.toSorted((a, b) => triesOf(a) - triesOf(b));
  await consume({ queue: batch.queue, messages }, env, InspectEffect, async (effect) => {
    await countAttempt(env, effect.id);
    await inspectMedia(env, effect);
  });
}

/** Settles an upload. The message may come again: whoever writes the state first decides, and all others follow. */
export const inspectMedia = async (env: Env, effect: InspectEffect): Promise<void> => inspectAll(env, [effect])[0];

/** As `inspectMedia`, with a promise for each: they share a query to begin with, and what they write (verdicts.ts). */
function inspectAll(env: Env, effects: readonly InspectEffect[]): Promise<void>[] {
  const found = find(env, effects);
  const write = gathered(env);
  return effects.map(async (effect) => {
    const job = (await found).get(effect.id);
    if (job?.state === "uploaded") {
      if (effect.video) await putOff(env, effect.id);
      const verdict = await judge(env, effect, job);
      const isFirst = await write(verdict);
      if (!isFirst) await tidyAfter(env, effect, (await find(env, [effect])).get(effect.id));
      else if (verdict.rejection) await tidyAfter(env, effect, { ...job, ...verdict, state: "rejected" });
    } else await tidyAfter(env, effect, job);
  });
}

async function judge(env: Env, effect: InspectEffect, { attempts, contentType, bytes }: Job): Promise<Verdict> {
  try {
    if ((attempts ?? 0) >= ATTEMPTS_MAX) throw new Rejected("inspection_failed");
    return { effect, findings: await inspect(env, { id: effect.media, contentType, bytes }) };
  } catch (error) {
    if (!(error instanceof Rejected)) throw error;
    return { effect, rejection: error.code };
  }
}

const inspect = (env: Env, original: Original): Promise<Findings> =>
  isVideo(original.contentType) ? inspectVideo(env, original) : inspectPicture(env, original);

/** Once the file has its verdict: removes what nobody will ask for again, or what a late attempt has stored. */
async function tidyAfter(env: Env, { id, media }: InspectEffect, job: Pick<Job, "state" | "rejection"> | undefined) {
  const isGone = job === undefined || job.state === "deleted";
  const isRejected = job?.state === "rejected" && !RETRYABLE.has(job.rejection ?? "");
  if (isGone || isRejected) await deleteObjects(env, media);
  if (job?.state !== "uploaded") await effectDone(env, id);
}

type Job = Pick<MediaRow, "state" | "contentType" | "bytes"> & { rejection: Rejection | null; attempts: number | null };

/** One query a database. Of a file that is gone there is nothing. */
async function find(env: Env, effects: readonly InspectEffect[]): Promise<Map<EffectId, Job>> {
  await renewShards(env); // An inspection may take longer than a map lasts, and a file that is not there is taken for gone.
  const asked = [...byDatabase(env, effects, ({ media }) => media)].map(([database, group]) =>
    database.prepare(JOBS).bind(JSON.stringify(group)).all<Job & { effect: EffectId }>(),
  );
  const rows = (await Promise.all(asked)).flatMap(({ results }) => results);
  return new Map(rows.map(({ effect, ...job }) => [effect, job]));
}

const JOBS = `
  SELECT asked.value ->> 'id' AS effect, state, content_type AS contentType, bytes, rejection, attempts
  FROM json_each(?1) AS asked JOIN media ON media.id = asked.value ->> 'media'
  LEFT JOIN effects ON effects.id = asked.value ->> 'id'`;

/** Of a video alone: what takes longer than an effect waits for its end would be begun a second time beside it. In ms. */
const VIDEO_LASTS = 300_000;

async function putOff(env: Env, id: EffectId): Promise<void> {
  await databaseOf(env, id)
    .prepare("UPDATE effects SET due_at = max(due_at, ?2) WHERE id = ?1")
    .bind(id, Date.now() + VIDEO_LASTS)
    .run();
}

async function countAttempt(env: Env, id: EffectId): Promise<void> {
  await databaseOf(env, id).prepare("UPDATE effects SET attempts = attempts + 1 WHERE id = ?").bind(id).run();
}
