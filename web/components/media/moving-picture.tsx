import { useSignal } from "@preact/signals";
import type { ComponentChild } from "preact";
import { useRef } from "preact/hooks";
import { savesData } from "../../browser/playback.ts";
import { Icon } from "../common/icon.tsx";
import { useSight } from "./in-sight.ts";

type Props = {
  /** The picture as it moves. */
  url: string;
  /** Names it for people who cannot see it. */
  label: string;
  /** Shows it as a still, with this class, which is empty until the moving one covers it. */
  still: (name: string) => ComponentChild;
  /** Called when it fails to load: its URL may have expired. */
  onStale?: (() => void) | undefined;
};

const wantsMotion = (): boolean => !matchMedia("(prefers-reduced-motion: reduce)").matches && !savesData;

/**
 * A picture that moves while it is in view, unless less motion or less data is asked for, and that can be paused: then it is
 * a still. What is out of view is not loaded. It fills the element around it.
 */
export function MovingPicture({ url, label, still, onStale }: Props) {
  const frame = useRef<HTMLSpanElement>(null);
  const isOn = useSignal(wantsMotion());
  const isInSight = useSignal(false);
  /** The URL that has loaded, and the one that could not be. A post that is read again has new ones. */
  const loaded = useSignal("");
  const failed = useSignal("");
  useSight(frame, (now) => (isInSight.value = now));

  const moves = isOn.value && isInSight.value && failed.value !== url;
  const covers = moves && loaded.value === url;
  return (
    <>
      {still(covers ? "covered" : "")}
      <span class="moving" ref={frame}>
        {moves && (
          <img
            class={covers ? "" : "moving-loading"}
            src={url}
            alt=""
            draggable={false}
            decoding="async"
            onLoad={() => (loaded.value = url)}
            onError={() => {
              failed.value = url;
              onStale?.();
            }}
          />
        )}
      </span>
      <button
        class="moving-switch"
        type="button"
        aria-label={`${isOn.value ? "Pause" : "Play"}: ${label}`}
        onClick={() => (isOn.value = !isOn.value)}
      >
        <Icon name={isOn.value ? "pause" : "play"} filled />
      </button>
    </>
  );
}
