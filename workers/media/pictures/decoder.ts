import { type Rejection, Rejected } from "../inspection/rejections.ts";

// One transparent pixel.
const GOOD_PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/**
 * Runs `work`, which gives a picture to the Images binding, and rejects the picture with `code` if it is at fault. The
 * binding has one error (9523) for a damaged picture and for a failure of its own, so it is given a picture that is
 * good: a decoder that takes that one has refused the other. While it takes none, `work` fails and is tried again.
 */
export async function decoding<T>(env: Env, code: Rejection, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isImagesError(error) && (await isWorking(env))) throw new Rejected(code, { cause: error });
    throw error;
  }
}

// Its class is not exported. The codes of R2, from which the picture streams into the binding, begin at 10,000.
const isImagesError = (error: unknown): boolean =>
  error instanceof Error && "code" in error && typeof error.code === "number" && error.code < 10_000;

async function isWorking(env: Env): Promise<boolean> {
  try {
    const picture = new Blob([Uint8Array.from(atob(GOOD_PICTURE), (character) => character.charCodeAt(0))]);
    await env.IMAGES.input(picture.stream()).output({ format: "image/webp" });
    return true;
  } catch {
    return false;
  }
}
