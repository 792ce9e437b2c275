import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { markGone } from "./gone.ts";
import { watchPost } from "./live.ts";
import { type KeptPost, learnStanding } from "./posts.ts";

/** Keeps the counts of a post up to date while what it shows in is in sight: that is to be given the `ref`. */
export function useLiveCounts(post: KeptPost): RefObject<HTMLElement | null> {
  const ref = useRef<HTMLElement>(null);
  useEffect(() => {
    let end: (() => void) | undefined;
    const observer = new IntersectionObserver((entries) => {
      end?.();
      end = entries.at(-1)?.isIntersecting ? watchCounts(post) : undefined;
    });
    if (ref.current) observer.observe(ref.current);
    return () => {
      observer.disconnect();
      end?.();
    };
  }, [post]);
  return ref;
}

function watchCounts(post: KeptPost): () => void {
  const { id, seq } = post.peek();
  return watchPost(id, seq, {
    frame: (frame) => learnStanding(id, frame),
    gone: () => markGone(id),
  });
}
