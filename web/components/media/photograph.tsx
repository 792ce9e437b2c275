import { useSignal } from "@preact/signals";
import type { ShownMedia } from "../../../schema/api/media.ts";
import { placeholderOf } from "./placeholder.ts";
import { type Frame, sizesIn, squareSet, widthSet } from "./renditions.ts";

type Props = {
  picture: ShownMedia;
  eager?: boolean;
  /** Called when it fails to load: its URL may have expired. */
  onStale?: (() => void) | undefined;
};

type PhotographProps = Props & {
  frame: readonly Frame[];
  class?: string;
  /** Called with the URL that the browser has chosen. */
  onLoaded?: (src: string) => void;
};

/** A picture at the width that fits. Its space is reserved before it loads, because its size is known. */
export function Photograph({ picture, frame, eager = false, class: name = "", onLoaded, onStale }: PhotographProps) {
  const { urls, width, height, alt, moving } = picture;
  const isPixelArt = picture.pixelArt && !moving; // The moving picture over it fills its frame.
  const placeholder = usePlaceholder(picture);
  return (
    <img
      class={`photograph ${isPixelArt ? "pixel-art" : ""} ${name}`}
      src={urls?.w640}
      srcset={widthSet(picture)}
      sizes={sizesIn(frame, picture)}
      width={width}
      height={height}
      alt={alt}
      draggable={false}
      style={{ ...placeholder.style, ...(isPixelArt && { "--own-width": width, "--own-height": height }) }}
      {...loading(eager)}
      onLoad={({ currentTarget }) => {
        placeholder.hide();
        onLoaded?.(currentTarget.currentSrc);
      }}
      onError={onStale}
    />
  );
}

/** The centre of a picture as a square tile. Its `alt` is empty: the link around it has the words. */
export function SquarePhotograph({ picture, sizes, eager = false, onStale }: Props & { sizes: string }) {
  const { urls } = picture;
  const placeholder = usePlaceholder(picture);
  return (
    <img
      class="tile-picture"
      src={urls?.thumb}
      srcset={squareSet(picture)}
      sizes={sizes}
      width={1}
      height={1}
      alt=""
      draggable={false}
      style={placeholder.style}
      {...loading(eager)}
      onLoad={placeholder.hide}
      onError={onStale}
    />
  );
}

const loading = (eager: boolean) =>
  ({ loading: eager ? "eager" : "lazy", fetchpriority: eager ? "high" : "auto", decoding: "async" }) as const;

/** A background until the picture has loaded. Left longer, it would show through transparent areas and at the edges. */
function usePlaceholder({ thumbhash, width, height }: ShownMedia) {
  const isLoaded = useSignal(false);
  const url = isLoaded.value || thumbhash === undefined ? undefined : placeholderOf(thumbhash, width, height);
  return {
    style: url === undefined ? {} : { backgroundImage: `url(${url})` },
    hide: () => (isLoaded.value = true),
  };
}
