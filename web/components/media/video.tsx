import { useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import type { ShownMedia } from "../../../schema/api/media.ts";
import { playAlone, savesData } from "../../browser/playback.ts";
import { clock, spoken } from "../../words/media.ts";
import { Icon } from "../common/icon.tsx";
import { useSight } from "./in-sight.ts";
import { Photograph } from "./photograph.tsx";
import type { Frame } from "./renditions.ts";

type Props = {
  /** An item that has `video`. */
  media: ShownMedia;
  frame: readonly Frame[];
  eager: boolean;
  /** Called when it fails to load: its URL may have expired. */
  onStale: () => void;
};

/**
 * A video that loads nothing but its cover until it is started. From then on it has the browser's own controls
 * (earlier, Chrome would show a loading spinner), and it pauses when it goes out of sight.
 */
export function Video({ media, frame, eager, onStale }: Props) {
  const { urls, width, height, alt, video } = media;
  const element = useRef<HTMLVideoElement>(null);
  const isStarted = useSignal(false);
  const poster = useSignal<string | undefined>(undefined);
  const interrupted = useRef<{ at: number; played: boolean } | undefined>(undefined);
  usePauseOutOfSight(element);

  // A new URL of the same video resumes where the old one failed.
  useLayoutEffect(() => {
    const { current } = element;
    if (!current || !interrupted.current) return;
    const { at, played } = interrupted.current;
    interrupted.current = undefined;
    current.currentTime = at;
    if (played) current.play().catch(() => undefined); // The controls show why.
  }, [video?.url]);

  if (!video) return null;
  const label = `${alt || "Video"}, ${spoken(video.durationMs)}${video.hasAudio ? "" : ", no sound"}`;
  const start = () => {
    const { current } = element;
    if (!current) return;
    isStarted.value = true;
    current.play().catch(() => undefined); // The controls show why.
    // The button is about to disappear; a video with controls can take the focus.
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
        aria-label={label}
        aria-hidden={!isStarted.value}
        style={{ aspectRatio: `${width} / ${height}` }}
        onPlay={({ currentTarget }) => playAlone(currentTarget)}
        onError={({ currentTarget }) => {
          interrupted.current = { at: currentTarget.currentTime, played: !currentTarget.paused };
          onStale();
        }}
      />
      {!isStarted.value && (
        <>
          {/* An <img>, because a `poster` alone is neither loaded lazily nor in the right size. */}
          {urls && (
            <Photograph
              class="cover"
              picture={{ ...media, alt: "" }}
              frame={frame}
              eager={eager}
              onLoaded={(src) => (poster.value = src)}
              onStale={onStale}
            />
          )}
          <button class="play" type="button" aria-label={`Play: ${label}`} onClick={start}>
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

/** Pauses a video that is scrolled away, or left behind in its album; not one shown picture-in-picture. */
function usePauseOutOfSight(element: { current: HTMLVideoElement | null }): void {
  useSight(element, (isInSight) => {
    const { current } = element;
    if (!isInSight && document.pictureInPictureElement !== current) current?.pause();
  });
  useEffect(() => {
    const { current } = element;
    return () => current?.pause();
  }, [element]);
}
