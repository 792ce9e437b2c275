import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { watchPost } from "../api/live.ts";
import { markGone } from "./gone.ts";
import { type CachedPost, applyStanding } from "./posts.ts";

/** Keeps a post's counts up to date while its element is in sight. Returns the `ref` for that element. */
export function useLiveCounts(post: CachedPost): RefObject<HTMLElement | null> {
  const ref = useRef<HTMLElement>(null);
  useEffect(() => {
    let stop: (() => void) | undefined;
    const observer = new IntersectionObserver((entries) => {
      stop?.();
      stop = entries.at(-1)?.isIntersecting ? watchCounts(post) : undefined;
    });
    if (ref.current) observer.observe(ref.current);
    return () => {
      observer.disconnect();
      stop?.();
    };
  }, [post]);
  return ref;
}

function watchCounts(post: CachedPost): () => void {
  const { id, seq } = post.peek();
  return watchPost(id, seq, {
    frame: (frame) => applyStanding(id, frame),
    gone: () => markGone(id),
  });
}
