import { useId } from "preact/hooks";
import { focusSoon } from "../../browser/focus.ts";
import { type Draft, move, remove } from "../../uploads/drafts.ts";
import { Icon } from "../common/icon.tsx";

type Props = { draft: Draft; place: number; of: number; name: string };

/** Removes a picture or video from the album, or moves it within. */
export function DraftTools({ draft, place, of, name }: Props) {
  const id = useId();
  const isFirst = place === 0;
  const isLast = place === of - 1;
  const left = `${id}-left`;
  const right = `${id}-right`;

  const moveLeft = () => {
    move(draft, -1);
    // At either end the pressed button disappears, so the focus goes to the other one.
    focusSoon(place === 1 ? right : left);
  };
  const moveRight = () => {
    move(draft, 1);
    focusSoon(place === of - 2 ? left : right);
  };

  return (
    <div class="draft-tools">
      {!isFirst && (
        <button id={left} class="icon-button" type="button" onClick={moveLeft}>
          <Icon name="left" />
          <span class="unseen">Move {name} left</span>
        </button>
      )}
      {!isLast && (
        <button id={right} class="icon-button" type="button" onClick={moveRight}>
          <Icon name="right" />
          <span class="unseen">Move {name} right</span>
        </button>
      )}
      <button class="icon-button" type="button" onClick={() => remove(draft)}>
        <Icon name="close" />
        <span class="unseen">Remove {name}</span>
      </button>
    </div>
  );
}
