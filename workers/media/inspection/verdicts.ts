/** How inspections end, written to D1 in few batches: what is found together costs the primary one. */
import type { EffectId, MediaId } from "../../../schema/ids.ts";
import type { InspectEffect } from "../../../schema/messages/facts.ts";
import { byDatabase, renewShards } from "../../../schema/d1/shards.ts";
import { UNUSED_FOR } from "../../../schema/media/upload-limits.ts";
import type { Findings } from "./findings.ts";
import { type Rejection, RETRYABLE } from "./rejections.ts";

export type Verdict = { effect: InspectEffect } & (
  { findings: Findings; rejection?: undefined } | { rejection: Rejection; findings?: undefined }
);

/** For how long a verdict waits for others, in ms: little beside the time that an inspection takes. */
const GATHERED_FOR = 50;

/**
 * Takes verdicts and tells of each, once it is in D1, whether it was the first of its file: the first one counts. Those
 * that come within GATHERED_FOR are written together.
 */
export function gathered(env: Env): (verdict: Verdict) => Promise<boolean> {
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
 * Writes the verdicts of files that have none yet, and returns those files. With the verdict goes its effect, unless bytes
 * are still to be deleted. One batch a database, of three statements, however many there are.
 */
async function writeVerdicts(env: Env, verdicts: readonly Verdict[], now = Date.now()): Promise<Set<MediaId>> {
  await renewShards(env); // An inspection may take longer than a map lasts.
  const written = new Set<MediaId>();
  const byHome = byDatabase(env, verdicts, ({ effect }) => effect.media);
  await Promise.all(
    [...byHome].map(async ([database, group]) => {
      const ready = group.flatMap(({ effect: { media }, findings }) => (findings ? [{ media, ...findings }] : []));
      const rejected = group.flatMap(({ effect: { media }, rejection }) => (rejection ? [{ media, rejection }] : []));
      const done = group.flatMap(({ effect, rejection }): EffectId[] =>
        rejection === undefined || RETRYABLE.has(rejection) ? [effect.id] : [],
      );
      const answers = await database.batch<{ id: MediaId }>([
        database.prepare(READY).bind(JSON.stringify(ready), now + UNUSED_FOR),
        database.prepare(REJECTED).bind(JSON.stringify(rejected), now + UNUSED_FOR),
        database
          .prepare("DELETE FROM effects WHERE id IN (SELECT value FROM json_each(?1))")
          .bind(JSON.stringify(done)),
      ]);
      for (const { id } of answers.flatMap(({ results }) => results)) written.add(id);
    }),
  );
  return written;
}

// The poster of a video may have come before, and its part of the details stays.
const READY = `
  UPDATE media SET state = 'ready', width = found.value ->> 'width', height = found.value ->> 'height', look_at = ?2,
    details = iif(details ->> '$.thumbhash' IS NULL, found.value -> 'details',
      json_set(found.value -> 'details', '$.thumbhash', details ->> '$.thumbhash'))
  FROM json_each(?1) AS found WHERE media.id = found.value ->> 'media' AND state = 'uploaded' RETURNING media.id`;

const REJECTED = `
  UPDATE media SET state = 'rejected', rejection = found.value ->> 'rejection', look_at = ?2
  FROM json_each(?1) AS found WHERE media.id = found.value ->> 'media' AND state = 'uploaded' RETURNING media.id`;
