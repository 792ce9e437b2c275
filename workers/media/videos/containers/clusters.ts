/**
 * Checks the clusters of a WebM, which hold its packets. Where the demuxer finds no element, it searches byte by byte,
 * and that search does not end if there is none. So it only sees what has been walked through here.
 */
import type { ByteSource } from "../../bytes/byte-source.ts";
import { Rejected } from "../../files/rejections.ts";
import { elementAt, type Element, HEADER_BYTES } from "./ebml.ts";
import { CLUSTER_ELEMENTS_MAX } from "./limits.ts";
import { ID, IN_SEGMENT } from "./webm-ids.ts";

const ABOVE: ReadonlySet<number> = new Set([...IN_SEGMENT, ID.cluster, ID.segment, ID.header].filter(isNoFiller));

// Void and checksum elements may occur at any level.
function isNoFiller(id: number): boolean {
  return id !== ID.void && id !== ID.checksum;
}

/** Wraps `source` so that a read first walks through the elements between `from` and `to`, up to the read's end. */
export function clustersOf(source: ByteSource, from: number, to: number): ByteSource {
  let at = from;
  let elements = 0;
  // The cluster that `at` is in, or null outside of any. Its end is undefined if its size is unknown.
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
    if (elements > CLUSTER_ELEMENTS_MAX) throw new Rejected("too_complex");
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

  // Reads may be concurrent, but the walk has only one position.
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
