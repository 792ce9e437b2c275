import { useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { Prose } from "../common/prose.tsx";

/** A caption in the feed: its first lines, and a button that shows the rest. */
export function Caption({ text }: { text: string }) {
  const paragraph = useRef<HTMLParagraphElement>(null);
  const open = useSignal(false);
  const isLonger = useSignal(false);

  useLayoutEffect(() => {
    const shown = paragraph.current;
    if (shown) isLonger.value = shown.scrollHeight > shown.clientHeight + 1;
  }, [isLonger, text]);

  if (text === "") return null;
  return (
    <div class="caption">
      <p ref={paragraph} class={open.value ? "prose" : "prose prose-short"}>
        <Prose text={text} />
      </p>
      {isLonger.value && !open.value && (
        <button class="quiet-link" type="button" onClick={() => (open.value = true)}>
          Show more
        </button>
      )}
    </div>
  );
}
