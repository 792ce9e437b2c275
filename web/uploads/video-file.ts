/** What the browser can read from a video before its upload: its length and one frame. */

/** Where the poster frame is: early, but past a black beginning. A share of the length, up to this many seconds. */
const FRAME_AT = 0.1;
const FRAME_AT_MOST = 1;
/** The width of the widest rendition, in pixels. A frame is never enlarged. */
const FRAME_WIDTH_MAX = 1080;
const JPEG_QUALITY = 0.85;
/** The time limit of each step, in ms: a browser that does not know the codec may fire no event at all. */
const STEP_WITHIN = 10_000;

export type VideoFile = {
  /** Undefined if the file does not say: recordings often do not. */
  durationMs: number | undefined;
  /** A JPEG; undefined if the browser cannot decode the video. */
  frame: Blob | undefined;
};

/** Reads the video behind an object URL. Never rejects: what the browser cannot read is undefined. */
export async function readVideo(url: string): Promise<VideoFile> {
  const video = document.createElement("video");
  video.muted = true;
  video.playsInline = true;
  video.preload = "auto";
  const found: VideoFile = { durationMs: undefined, frame: undefined };
  try {
    video.src = url;
    await event(video, "loadeddata");
    if (Number.isFinite(video.duration)) found.durationMs = video.duration * 1000;
    found.frame = await frameOf(video);
  } catch {
    // The API reads the file itself; the video only goes without a poster.
  } finally {
    video.removeAttribute("src");
    video.load(); // Releases the file.
  }
  return found;
}

async function frameOf(video: HTMLVideoElement): Promise<Blob | undefined> {
  const { videoWidth, videoHeight, duration } = video;
  if (videoWidth === 0) return undefined; // To this browser, the file has only sound.
  const sought = event(video, "seeked");
  video.currentTime = Number.isFinite(duration) ? Math.min(duration * FRAME_AT, FRAME_AT_MOST) : 0;
  await sought;
  const canvas = document.createElement("canvas");
  canvas.width = Math.min(videoWidth, FRAME_WIDTH_MAX);
  canvas.height = Math.max(1, Math.round((videoHeight * canvas.width) / videoWidth));
  canvas.getContext("2d")?.drawImage(video, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob((blob) => resolve(blob ?? undefined), "image/jpeg", JPEG_QUALITY));
}

function event(video: HTMLVideoElement, name: "loadeddata" | "seeked"): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = () => reject(new Error(`no ${name}`));
    const timer = setTimeout(fail, STEP_WITHIN);
    const once = { once: true, signal: AbortSignal.timeout(STEP_WITHIN) };
    video.addEventListener("error", fail, once);
    video.addEventListener(
      name,
      () => {
        clearTimeout(timer);
        resolve();
      },
      once,
    );
  });
}
