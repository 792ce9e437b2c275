import { useSignal } from "@preact/signals";
import type { PersonCard } from "../../../schema/api/people.ts";
import { SIDES, SQUARES, squareUrl } from "../../../schema/media/squares.ts";
import { Monogram, type Size } from "./monogram.tsx";

/** How wide each size is shown, for the browser to pick a square by the density of its screen. */
const WIDTHS: Record<Size, string> = { small: "32px", medium: "44px", large: "(width >= 720px) 120px, 88px" };

/**
 * A person's profile picture, or their monogram if they have none or it was removed a moment ago. Its `alt` is empty: their
 * name stands beside it, or labels the link around it.
 */
export function Portrait({ person, size = "small" }: { person: PersonCard; size?: Size }) {
  const { picture } = person;
  const failed = useSignal<string | undefined>(undefined);
  if (!picture || failed.value === picture) return <Monogram person={person} size={size} />;
  return (
    <img
      class={`monogram monogram-${size} portrait`}
      src={squareUrl(picture, "s96")}
      srcset={SQUARES.map((square) => `${squareUrl(picture, square)} ${SIDES[square]}w`).join(", ")}
      sizes={WIDTHS[size]}
      width={SIDES.s96}
      height={SIDES.s96}
      alt=""
      loading="lazy"
      decoding="async"
      onError={() => (failed.value = picture)}
    />
  );
}
