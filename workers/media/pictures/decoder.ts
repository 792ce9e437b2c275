import { type Rejection, Rejected } from "../files/rejections.ts";

// One transparent pixel.
const GOOD_PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/**
 * Runs `work`, which passes a picture to the Images binding, and throws `Rejected` with `code` if the picture is at
 * fault. The binding has one error (9523) for a damaged picture and for its own failure, so after an error it gets a
 * valid picture: if it decodes that one, the first picture was at fault. Otherwise the error is thrown as it is, and
 * the caller retries.
 */
export async function rejectUndecodable<T>(env: Env, code: Rejection, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isImagesError(error) && (await isWorking(env))) throw new Rejected(code, { cause: error });
    throw error;
  }
}

// The error's class is not exported. The codes of R2, from which the picture streams into the binding, begin at 10,000.
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
