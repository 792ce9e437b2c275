/** Writes the verdicts of inspections to D1. Verdicts that arrive together share one batch per database. */
import { sql } from "drizzle-orm";
import { statement } from "../../../schema/d1/database.ts";
import { bare, fieldsOf, jsonFieldsOf, textOf } from "../../../schema/d1/sql.ts";
import type { EffectId, MediaId } from "../../../schema/ids.ts";
import type { InspectEffect } from "../../../schema/messages/effects.ts";
import { byDatabase, refreshShardMap } from "../../../schema/d1/shards.ts";
import { UNPUBLISHED_KEPT_FOR } from "../../../schema/media/upload-limits.ts";
import { effects } from "../../../schema/tables/people.ts";
import { media } from "../../../schema/tables/posts.ts";
import { detail, mediaState, pathOfDetail } from "../files/media-row.ts";
import type { Findings } from "../files/findings.ts";
import { type Rejection, RETRYABLE } from "../files/rejections.ts";

export type Verdict = { effect: InspectEffect } & (
  { findings: Findings; rejection?: undefined } | { rejection: Rejection; findings?: undefined }
);

/** How long a verdict waits for others, in ms. It is short compared with an inspection. */
const GATHERED_FOR = 50;

/**
 * Returns a function that takes a verdict and resolves, once it is in D1, to whether it was the first for its file.
 * Only the first verdict counts. Verdicts that arrive within GATHERED_FOR are written together.
 */
export function verdictWriter(env: Env): (verdict: Verdict) => Promise<boolean> {
  let waiting: Verdict[] = [];
  let writing: Promise<Set<MediaId>> | undefined;
  return async (verdict) => {
    waiting.push(verdict);
    writing ??= new Promise((resolve) => setTimeout(resolve, GATHERED_FOR)).then(() => {
      const verdicts = waiting;
      [waiting, writing] = [[], undefined];
      return writeVerdicts(env, verdicts);
    });
    return (await writing).has(verdict.effect.media);
  };
}

/**
 * Writes the verdicts of files that have none yet, and returns those files. Also deletes the effects, except where
 * bytes must still be deleted. Costs one batch of three statements per database, whatever the number of verdicts.
 */
async function writeVerdicts(env: Env, verdicts: readonly Verdict[], now = Date.now()): Promise<Set<MediaId>> {
  await refreshShardMap(env); // An inspection may outlast the cached shard map.
  const written = new Set<MediaId>();
  const byHome = byDatabase(env, verdicts, ({ effect }) => effect.media);
  await Promise.all(
    [...byHome].map(async ([database, group]) => {
      const ready = group.flatMap(({ effect: { media }, findings }): Ready[] =>
        findings ? [{ media, ...findings }] : [],
      );
      const rejected = group.flatMap(({ effect: { media }, rejection }): RejectedFile[] =>
        rejection ? [{ media, rejection }] : [],
      );
      const done = group.flatMap(({ effect, rejection }): EffectId[] =>
        rejection === undefined || RETRYABLE.has(rejection) ? [effect.id] : [],
      );
      const answers = await database.patient.batch<{ id: MediaId }>([
        statement(READY, JSON.stringify(ready), now + UNPUBLISHED_KEPT_FOR),
        statement(REJECTED, JSON.stringify(rejected), now + UNPUBLISHED_KEPT_FOR),
        statement(DONE, JSON.stringify(done)),
      ]);
      for (const { id } of answers.flatMap(({ rows }) => rows)) written.add(id);
    }),
  );
  return written;
}

type Ready = { media: MediaId } & Findings;
const [ready, jsonOfReady] = [fieldsOf<Ready>("found.value"), jsonFieldsOf<Ready>("found.value")];

// A video may have got its poster before its inspection ended; the poster's thumbhash is kept.
const READY = textOf(sql`
  UPDATE ${media} SET ${bare(media.state)} = ${mediaState("ready")}, ${bare(media.width)} = ${ready("width")},
    ${bare(media.height)} = ${ready("height")}, ${bare(media.derivedBytes)} = ${ready("derivedBytes")},
    ${bare(media.lookAt)} = ?2,
    ${bare(media.details)} = iif(${detail("thumbhash")} IS NULL, ${jsonOfReady("details")},
      json_set(${jsonOfReady("details")}, ${pathOfDetail("thumbhash")}, ${detail("thumbhash")}))
  FROM json_each(?1) AS found WHERE ${media.id} = ${ready("media")} AND ${media.state} = ${mediaState("uploaded")}
  RETURNING ${media.id}`);

type RejectedFile = { media: MediaId; rejection: Rejection };
const rejected = fieldsOf<RejectedFile>("found.value");

const REJECTED = textOf(sql`
  UPDATE ${media} SET ${bare(media.state)} = ${mediaState("rejected")},
    ${bare(media.rejection)} = ${rejected("rejection")}, ${bare(media.lookAt)} = ?2
  FROM json_each(?1) AS found WHERE ${media.id} = ${rejected("media")} AND ${media.state} = ${mediaState("uploaded")}
  RETURNING ${media.id}`);

const DONE = textOf(sql`DELETE FROM ${effects} WHERE ${effects.id} IN (SELECT value FROM json_each(?1))`);
