/** Inspects uploads. An upload ends either as `ready`, with everything that is served stored, or as `rejected`. */
import { eq, sql } from "drizzle-orm";
import { InspectEffect } from "../../../schema/messages/effects.ts";
import type { EffectId } from "../../../schema/ids.ts";
import { isVideo } from "../../../schema/media/media-types.ts";
import { byDatabase, databaseOf, refreshShardMap } from "../../../schema/d1/shards.ts";
import { fieldsOf, textOf } from "../../../schema/d1/sql.ts";
import { effects } from "../../../schema/tables/people.ts";
import { media } from "../../../schema/tables/posts.ts";
import { deleteEffect } from "../../storage/effects.ts";
import { consume, consumeEach } from "../../operations/consume.ts";
import { deleteObjects } from "../files/objects.ts";
import { inspectPicture } from "../pictures/picture.ts";
import type { MediaRow } from "../files/media-row.ts";
import { inspectVideo } from "../videos/video.ts";
import type { Findings, Original } from "../files/findings.ts";
import { Rejected, type Rejection, RETRYABLE } from "../files/rejections.ts";
import { verdictWriter, type Verdict } from "./verdicts.ts";

/** The attempts at one file, over half an hour. A file without a verdict by then would crash isolate after isolate. */
const ATTEMPTS_MAX = 7;

/**
 * Inspects the files of a batch concurrently and settles each message on its own. When a message is delivered again,
 * one of the files may have crashed the isolate. Then the files are inspected one after the other, fewest attempts
 * first, and each attempt is counted before it starts. So a crashing file delays the others only briefly, and is
 * rejected after ATTEMPTS_MAX.
 */
export async function consumeInspections(batch: MessageBatch, env: Env): Promise<void> {
  if (batch.messages.every(({ attempts }) => attempts === 1)) {
    await consumeEach(batch, env, InspectEffect, (all) => inspectAll(env, all));
    return;
  }
  const jobs = await findJobs(
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

/** Inspects and settles one upload. The message may arrive twice: the first verdict written counts. */
export const inspectMedia = async (env: Env, effect: InspectEffect): Promise<void> => inspectAll(env, [effect])[0];

/**
 * Like `inspectMedia`, with one promise per effect. They share one query per database, and their writes (verdicts.ts).
 */
function inspectAll(env: Env, all: readonly InspectEffect[]): Promise<void>[] {
  const found = findJobs(env, all);
  const write = verdictWriter(env);
  return all.map(async (effect) => {
    const job = (await found).get(effect.id);
    if (job?.state === "uploaded") {
      if (effect.video) await postpone(env, effect.id);
      const verdict = await judge(env, effect, job);
      const isFirst = await write(verdict);
      if (!isFirst) await cleanUp(env, effect, (await findJobs(env, [effect])).get(effect.id));
      else if (verdict.rejection) await cleanUp(env, effect, { ...job, ...verdict, state: "rejected" });
    } else await cleanUp(env, effect, job);
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

/** Deletes the objects of a gone or finally rejected file, also those a late attempt stored, and ends the effect. */
async function cleanUp(env: Env, { id, media }: InspectEffect, job: Pick<Job, "state" | "rejection"> | undefined) {
  const isGone = job === undefined || job.state === "deleted";
  const isRejected = job?.state === "rejected" && !RETRYABLE.has(job.rejection ?? "");
  if (isGone || isRejected) await deleteObjects(env, media);
  if (job?.state !== "uploaded") await deleteEffect(env, id);
}

type Job = Pick<MediaRow, "state" | "contentType" | "bytes"> & { rejection: Rejection | null; attempts: number | null };

/** Returns the jobs of effects. A file that no longer exists has none. Costs one query per database. */
async function findJobs(env: Env, all: readonly InspectEffect[]): Promise<Map<EffectId, Job>> {
  // An inspection may outlast the cached shard map, and a file that is not in the database asked counts as gone.
  await refreshShardMap(env);
  const answers = [...byDatabase(env, all, ({ media }) => media)].map(([database, group]) =>
    database.patient.all<Job & { effect: EffectId }>(JOBS, JSON.stringify(group)),
  );
  const rows = (await Promise.all(answers)).flat();
  return new Map(rows.map(({ effect, ...job }) => [effect, job]));
}

const asked = fieldsOf<InspectEffect>("asked.value");
const JOBS = textOf(sql`
  SELECT ${asked("id")} AS "effect", ${media.state}, ${media.contentType} AS "contentType", ${media.bytes},
    ${media.rejection}, ${effects.attempts}
  FROM json_each(?1) AS asked JOIN ${media} ON ${media.id} = ${asked("media")}
  LEFT JOIN ${effects} ON ${effects.id} = ${asked("id")}`);

/** How far a video's effect is postponed, so that a slow inspection is not started a second time beside it. In ms. */
const VIDEO_LASTS = 300_000;

async function postpone(env: Env, id: EffectId): Promise<void> {
  const dueAt = sql`max(${effects.dueAt}, ${Date.now() + VIDEO_LASTS})`;
  await databaseOf(env, id).patient.orm.update(effects).set({ dueAt }).where(eq(effects.id, id));
}

async function countAttempt(env: Env, id: EffectId): Promise<void> {
  const attempts = sql`${effects.attempts} + 1`;
  await databaseOf(env, id).patient.orm.update(effects).set({ attempts }).where(eq(effects.id, id));
}
