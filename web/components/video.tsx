import { useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import type { ShownMedia } from "../../schema/api/media.ts";
import { clock, spoken } from "../media-words.ts";
import { playAlone, savesData } from "../playing.ts";
import { Icon } from "./icon.tsx";
import { Photograph } from "./photograph.tsx";

/** Less of it than this part is out of sight. */
const IN_SIGHT = 0.25;

type Props = {
  /** What has `video`. */
  media: ShownMedia;
  sizes: string;
  eager: boolean;
  /** Its address may be one that is good for a while only. */
  onStale: () => void;
};

/**
 * Nothing of a video is loaded before it is asked for, but for what shows what it is. From then on it has the browser's
 * own controls (before, Chrome would show that it is loading), and it plays no longer than it is in sight.
 */
export function Video({ media, sizes, eager, onStale }: Props) {
  const { urls, width, height, alt, video } = media;
  const element = useRef<HTMLVideoElement>(null);
  const isStarted = useSignal(false);
  const poster = useSignal<string | undefined>(undefined);
  const brokeOff = useRef<{ at: number; played: boolean } | undefined>(undefined);
  usePauseOutOfSight(element);

  // A new address of the same video: it goes on where it broke off.
  useLayoutEffect(() => {
    const { current } = element;
    if (!current || !brokeOff.current) return;
    const { at, played } = brokeOff.current;
    brokeOff.current = undefined;
    current.currentTime = at;
    if (played) current.play().catch(() => undefined); // The controls say why.
  }, [video?.url]);

  if (!video) return null;
  const says = `${alt || "Video"}, ${spoken(video.durationMs)}${video.hasAudio ? "" : ", without sound"}`;
  const start = () => {
    const { current } = element;
    if (!current) return;
    isStarted.value = true;
    current.play().catch(() => undefined); // The controls say why.
    // The button is about to go; with its controls a video takes the focus.
    requestAnimationFrame(() => current.focus({ preventScroll: true }));
  };
  return (
    <>
      <video
        ref={element}
        class="photograph"
        src={video.url}
        poster={poster.value}
        preload={urls || savesData ? "none" : "metadata"}
        controls={isStarted.value}
        playsInline
        width={width}
        height={height}
        aria-label={says}
        aria-hidden={!isStarted.value}
        style={{ aspectRatio: `${width} / ${height}` }}
        onPlay={({ currentTarget }) => playAlone(currentTarget)}
        onError={({ currentTarget }) => {
          brokeOff.current = { at: currentTarget.currentTime, played: !currentTarget.paused };
          onStale();
        }}
      />
      {!isStarted.value && (
        <>
          {/* Loaded when it is near, and as large as it has to be, which a poster by itself is not. */}
          {urls && (
            <Photograph
              class="cover"
              picture={{ ...media, alt: "" }}
              sizes={sizes}
              eager={eager}
              onLoaded={(src) => (poster.value = src)}
              onStale={onStale}
            />
          )}
          <button class="play" type="button" aria-label={`Play: ${says}`} onClick={start}>
            <Icon name="play" filled />
          </button>
          <span class="video-length" aria-hidden="true">
            {clock(video.durationMs)}
          </span>
        </>
      )}
    </>
  );
}

/** Scrolled away, or turned to the next of its album. */
function usePauseOutOfSight(element: { current: HTMLVideoElement | null }): void {
  useEffect(() => {
    const { current } = element;
    if (!current) return undefined;
    const observer = new IntersectionObserver(
      (changes) => {
        const isSeen =
          (changes.at(-1)?.intersectionRatio ?? 0) >= IN_SIGHT || document.pictureInPictureElement === current;
        if (!isSeen) current.pause();
      },
      { threshold: [0, IN_SIGHT] },
    );
    observer.observe(current);
    return () => {
      observer.disconnect();
      current.pause();
    };
  }, [element]);
}
