import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import type { ShownMedia } from "../../schema/api/media.ts";
import { placeholderOf } from "../placeholder.ts";
import { playAlone, savesData } from "../playing.ts";
import { spoken } from "../media-words.ts";

/** Less of it than this part is out of sight. */
const IN_SIGHT = 0.25;

type Props = {
  /** What has `video`. */
  media: ShownMedia;
  /** Its address may be one that is good for a while only. */
  onStale: () => void;
};

/**
 * A video with the browser's own controls. It plays when asked to, and no longer than it is in sight; nothing of it is
 * loaded before, but for what shows what it is.
 */
export function Video({ media, onStale }: Props) {
  const { urls, width, height, alt, thumbhash, video } = media;
  const element = useRef<HTMLVideoElement>(null);
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
  const placeholder = thumbhash === undefined ? undefined : placeholderOf(thumbhash);
  return (
    <video
      ref={element}
      class="photograph"
      src={video.url}
      poster={savesData ? urls?.w640 : urls?.w1080}
      preload={urls || savesData ? "none" : "metadata"}
      controls
      playsInline
      width={width}
      height={height}
      aria-label={`${alt || "Video"}, ${spoken(video.durationMs)}${video.hasAudio ? "" : ", without sound"}`}
      {...(placeholder !== undefined && { style: { backgroundImage: `url(${placeholder})` } })}
      onPlay={({ currentTarget }) => playAlone(currentTarget)}
      onError={({ currentTarget }) => {
        brokeOff.current = { at: currentTarget.currentTime, played: !currentTarget.paused };
        onStale();
      }}
    />
  );
}

/** Scrolled away, or turned to the next of its album. */
function usePauseOutOfSight(element: { current: HTMLVideoElement | null }): void {
  useEffect(() => {
    const { current } = element;
    if (!current) return undefined;
    const observer = new IntersectionObserver(
      ([seen]) => {
        const isSeen = (seen?.intersectionRatio ?? 0) >= IN_SIGHT || document.pictureInPictureElement === current;
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
