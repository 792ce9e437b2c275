/** What all videos of the page have to do with each other. */

let playing: HTMLVideoElement | undefined;

/** Two at once cannot be listened to. */
export function playAlone(video: HTMLVideoElement): void {
  if (playing !== video) playing?.pause();
  playing = video;
}

/** Whether the person wants to be sparing with what is loaded. Not every browser tells. */
export const savesData: boolean =
  matchMedia("(prefers-reduced-data: reduce)").matches ||
  (navigator as { connection?: { saveData?: boolean } }).connection?.saveData === true;
