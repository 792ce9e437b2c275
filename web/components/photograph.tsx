import type { Post } from "../../schema/api/posts.ts";

export type Picture = Post["media"][number];

const RENDITIONS = [
  ["w320", 320],
  ["w640", 640],
  ["w1080", 1080],
] as const;

type Props = { picture: Picture; sizes: string; eager?: boolean; alt?: string; class?: string };

/** A picture in the width that fits. It takes its room before it has loaded, because its size is known. */
export function Photograph({ picture, sizes, eager = false, alt, class: name = "photograph" }: Props) {
  return (
    <img
      class={name}
      src={picture.urls?.w640}
      srcset={sourceSet(picture)}
      sizes={sizes}
      width={picture.width}
      height={picture.height}
      alt={alt ?? picture.alt}
      loading={eager ? "eager" : "lazy"}
      fetchpriority={eager ? "high" : "auto"}
      decoding="async"
      draggable={false}
    />
  );
}

/** A rendition is never wider than its picture: of those that are all as wide, the smallest file is enough. */
export function sourceSet({ urls, width }: Picture): string {
  const sources = new Map<number, string>();
  if (!urls) return "";
  for (const [variant, rendition] of RENDITIONS) {
    const wide = Math.min(rendition, width);
    if (!sources.has(wide)) sources.set(wide, `${urls[variant]} ${wide}w`);
  }
  return [...sources.values()].join(", ");
}
