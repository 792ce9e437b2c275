import { useSignal } from "@preact/signals";
import type { ComponentProps } from "preact";
import { useRef } from "preact/hooks";
import type { ShownMedia } from "../../../schema/api/media.ts";
import { albumInWords } from "../../words/album.ts";
import { Icon } from "../common/icon.tsx";
import { MovingPicture } from "./moving-picture.tsx";
import { Photograph } from "./photograph.tsx";
import type { Frame } from "./renditions.ts";
import { Video } from "./video.tsx";

type Props = {
  media: ShownMedia[];
  /** The space for each picture. */
  frame: readonly Frame[];
  eager?: boolean | undefined;
  onLike: () => void;
  /** Called when a picture or video could not be loaded. */
  onStale: () => void;
};

/** Two taps within this time are a double tap. */
const DOUBLE_TAP_MS = 320;

/** The pictures and videos of a post, side by side; the first determines the height of all. A double tap likes. */
export function Album({ media, frame, eager = false, onLike, onStale }: Props) {
  const strip = useRef<HTMLDivElement>(null);
  const at = useSignal(0);
  const burst = useSignal(0);
  const tappedAt = useRef(-Infinity);
  const several = media.length > 1;

  const turn = (by: number) => {
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const width = strip.current?.clientWidth ?? 0;
    strip.current?.scrollTo({ left: (at.value + by) * width, behavior: calm ? "instant" : "smooth" });
  };

  // Not `dblclick`: a touch screen fires it only where it does not zoom.
  const tap = ({ timeStamp, target }: MouseEvent) => {
    if (target instanceof Element && target.closest("button, video[controls]")) return;
    const double = timeStamp - tappedAt.current < DOUBLE_TAP_MS;
    tappedAt.current = double ? -Infinity : timeStamp;
    if (!double) return;
    burst.value += 1;
    onLike();
  };

  return (
    <div class="album">
      <div
        class="album-strip"
        ref={strip}
        onClick={tap}
        onScroll={({ currentTarget }) => {
          at.value = Math.round(currentTarget.scrollLeft / currentTarget.clientWidth);
        }}
        {...(several && { tabIndex: 0, role: "group", "aria-label": `Album of ${albumInWords(media)}` })}
      >
        {media.map((one, place) => (
          <div class="album-picture" key={one.id}>
            {one.video ? (
              <Video media={one} frame={frame} eager={eager && place === 0} onStale={onStale} />
            ) : (
              <Picture picture={one} frame={frame} eager={eager && place === 0} onStale={onStale} />
            )}
          </div>
        ))}
      </div>
      {several && <Turner at={at.value} of={media.length} turn={turn} />}
      {burst.value > 0 && (
        <span class="burst" key={burst.value}>
          <Icon name="heart" filled />
        </span>
      )}
    </div>
  );
}

/** A picture of an album, which may move. */
function Picture(props: ComponentProps<typeof Photograph>) {
  const { moving, alt } = props.picture;
  if (!moving) return <Photograph {...props} />;
  return (
    <MovingPicture
      url={moving.url}
      label={alt || "Moving picture"}
      still={(name) => <Photograph {...props} class={name} />}
      onStale={props.onStale}
    />
  );
}

const Turner = ({ at, of, turn }: { at: number; of: number; turn: (by: number) => void }) => (
  <>
    <p class="album-count">
      <span class="unseen">Showing </span>
      {at + 1} / {of}
    </p>
    <button class="album-turn album-back" type="button" hidden={at === 0} onClick={() => turn(-1)}>
      <Icon name="left" />
      <span class="unseen">Previous</span>
    </button>
    <button class="album-turn album-on" type="button" hidden={at === of - 1} onClick={() => turn(1)}>
      <Icon name="right" />
      <span class="unseen">Next</span>
    </button>
  </>
);
