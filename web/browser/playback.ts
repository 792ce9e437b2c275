/** State shared by all videos of the page. */

let playing: HTMLVideoElement | undefined;

/** Pauses the video that was playing before, so that only one has sound. */
export function playAlone(video: HTMLVideoElement): void {
  if (playing !== video) playing?.pause();
  playing = video;
}

/** Whether the browser asks to save data; false where it cannot say. */
export const savesData: boolean =
  matchMedia("(prefers-reduced-data: reduce)").matches ||
  (navigator as { connection?: { saveData?: boolean } }).connection?.saveData === true;
