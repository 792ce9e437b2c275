/** What the browser itself sees in a video before it is sent: how long it is, and one frame of it. */

/** The frame that stands for the video: early, but past a black beginning. Of its length, and in s. */
const FRAME_AT = 0.1;
const FRAME_AT_MOST = 1;
/** As wide as the widest rendition, in pixels; a frame is never enlarged. */
const FRAME_WIDTH_MAX = 1080;
const JPEG_QUALITY = 0.85;
/** Of each step. A browser that does not know the codec may say nothing at all. In ms. */
const PATIENCE = 10_000;

export type VideoFile = {
  /** Undefined where the file does not tell: recordings are often written without. */
  durationMs: number | undefined;
  /** As a JPEG; undefined where the browser cannot decode it. */
  frame: Blob | undefined;
};

/** `url` is that of the file in this browser. Never fails: what the browser cannot tell is undefined. */
export async function lookInto(url: string): Promise<VideoFile> {
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
    // The API reads the file by itself; a video goes without a poster.
  } finally {
    video.removeAttribute("src");
    video.load(); // Lets go of the file.
  }
  return found;
}

async function frameOf(video: HTMLVideoElement): Promise<Blob | undefined> {
  const { videoWidth, videoHeight, duration } = video;
  if (videoWidth === 0) return undefined; // Sound alone, as far as this browser knows.
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
    const timer = setTimeout(fail, PATIENCE);
    const once = { once: true, signal: AbortSignal.timeout(PATIENCE) };
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
