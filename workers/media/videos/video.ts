/** From a stored video to one that can be played: what it is, and a copy without what nobody else may see. */
import type { Findings, Original } from "../inspection/findings.ts";
import { Rejected } from "../inspection/rejections.ts";

/** Looks at a video and stores what is served of it. Throws `Rejected` when it is at fault. */
export function inspectVideo(_env: Env, _original: Original): Promise<Findings> {
  return Promise.reject(new Rejected("undecodable"));
}
