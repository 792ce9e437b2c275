/** Makes a JPEG of a HEIC picture in a browser that can read it, for a server that cannot. */

/** The rejection of a HEIC that the server cannot decode. */
export const HEIC_NOT_DECODED = "heic_not_decoded";

const QUALITY = 0.92;
/** Safari on phones draws no larger canvas, in pixels. */
const PIXELS_MAX = 16_777_216;

export const isHeic = ({ name, type }: Pick<File, "name" | "type">): boolean =>
  /^image\/hei[cf]$/.test(type) || /\.hei[cf]$/i.test(name);

/** Returns the picture as a JPEG, upright and without metadata. Undefined if this browser cannot read it. Never rejects. */
export async function asJpeg(file: File): Promise<File | undefined> {
  try {
    const picture = await createImageBitmap(file);
    const scale = Math.min(1, Math.sqrt(PIXELS_MAX / (picture.width * picture.height)));
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.floor(picture.width * scale));
    canvas.height = Math.max(1, Math.floor(picture.height * scale));
    // Phones photograph in this colour space. The JPEG says so.
    canvas.getContext("2d", { colorSpace: "display-p3" })?.drawImage(picture, 0, 0, canvas.width, canvas.height);
    picture.close();
    const jpeg = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY));
    return jpeg ? new File([jpeg], file.name.replace(/(?:\.hei[cf])?$/i, ".jpg"), { type: "image/jpeg" }) : undefined;
  } catch {
    return undefined;
  }
}
