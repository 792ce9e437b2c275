/**
 * The clusters of a WebM, which hold its packets. The demuxer searches on byte by byte where it finds no element, and
 * that search does not end where there is none to find. So nothing is shown to it before it has been walked through here.
 */
import type { ByteSource } from "../inspection/byte-source.ts";
import { Rejected } from "../inspection/rejections.ts";
import { elementAt, type Element, HEADER_BYTES } from "./ebml.ts";
import { PACKETS_MAX } from "./limits.ts";
import { ID, IN_SEGMENT } from "./webm-ids.ts";

/** A packet takes an element, sometimes two, and a cluster some more. */
const ELEMENTS_MAX = 4 * PACKETS_MAX;
const ABOVE: ReadonlySet<number> = new Set([...IN_SEGMENT, ID.cluster, ID.segment, ID.header].filter(isNoFiller));

// These two may lie anywhere.
function isNoFiller(id: number): boolean {
  return id !== ID.void && id !== ID.checksum;
}

/** `source`, where the elements between `from` and `to` are walked through before what they are made of is read. */
export function clustersOf(source: ByteSource, from: number, to: number): ByteSource {
  let at = from;
  let elements = 0;
  // Where the cluster ends that `at` is in: undefined where it does not say, null outside of all.
  let cluster: { end: number | undefined } | null = null;

  const enter = ({ id, content, end }: Element): void => {
    if (id !== ID.cluster && (!IN_SEGMENT.has(id) || end === undefined)) throw new Rejected("corrupt");
    if (id === ID.cluster) {
      cluster = { end };
      at = content;
    } else at = end ?? to;
  };

  const step = async (): Promise<void> => {
    elements += 1;
    if (elements > ELEMENTS_MAX) throw new Rejected("too_complex");
    if (cluster && at === cluster.end) cluster = null;
    const element = elementAt(await source.read(at, Math.min(HEADER_BYTES, to - at)), 0, at);
    if (!element || (element.end ?? element.content) > to) throw new Rejected("corrupt");
    if (!cluster) return enter(element);
    if (ABOVE.has(element.id)) {
      if (cluster.end !== undefined) throw new Rejected("corrupt");
      cluster = null;
      return enter(element);
    }
    if (element.end === undefined || element.end > (cluster.end ?? to)) throw new Rejected("corrupt");
    at = element.end;
  };

  // Reads may come together, and there is but one place that the walk has come to.
  let walking: Promise<void> = Promise.resolve();
  const walk = async (end: number): Promise<void> => {
    while (at < Math.min(end, to)) await step();
  };

  return {
    size: source.size,
    async read(offset, length) {
      walking = walking.then(() => walk(offset + length));
      await walking;
      return source.read(offset, length);
    },
  };
}
