import { useSignal } from "@preact/signals";
import type { ShownMedia } from "../../schema/api/media.ts";
import { placeholderOf } from "../placeholder.ts";
import { squareSet, widthSet } from "../renditions.ts";

type Props = {
  picture: ShownMedia;
  sizes: string;
  eager?: boolean;
  class?: string;
  /** Called with the address that the browser has chosen. */
  onLoaded?: (src: string) => void;
  /** Its address may be one that is good for a while only. */
  onStale?: (() => void) | undefined;
};

/** A picture in the width that fits. It takes its room before it has loaded, because its size is known. */
export function Photograph({ picture, sizes, eager = false, class: name = "", onLoaded, onStale }: Props) {
  const { urls, width, height, alt } = picture;
  const placeholder = usePlaceholder(picture);
  return (
    <img
      class={`photograph ${name}`}
      src={urls?.w640}
      srcset={widthSet(picture)}
      sizes={sizes}
      width={width}
      height={height}
      alt={alt}
      draggable={false}
      style={placeholder.style}
      {...loading(eager)}
      onLoad={({ currentTarget }) => {
        placeholder.hide();
        onLoaded?.(currentTarget.currentSrc);
      }}
      onError={onStale}
    />
  );
}

/** The middle of a picture, as one square among others that say in words what it is. */
export function SquarePhotograph({ picture, sizes, eager = false, onStale }: Props) {
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

/** Until it has loaded; after that it would show through what is transparent, and beside what is not quite as wide. */
function usePlaceholder({ thumbhash, width, height }: ShownMedia) {
  const isLoaded = useSignal(false);
  const url = isLoaded.value || thumbhash === undefined ? undefined : placeholderOf(thumbhash, width, height);
  return {
    style: url === undefined ? {} : { backgroundImage: `url(${url})` },
    hide: () => (isLoaded.value = true),
  };
}
