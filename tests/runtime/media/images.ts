import { env } from "cloudflare:workers";

/** Returns an environment whose Images binding records its calls. */
export function countingImages(): { bindings: Env; calls: () => number; formats: string[] } {
  const formats: string[] = [];
  const IMAGES = {
    info: env.IMAGES.info.bind(env.IMAGES),
    input: (picture: ReadableStream<Uint8Array>) => {
      const output = async (options: ImageOutputOptions, shape?: ImageTransform) => {
        formats.push(options.format);
        const input = env.IMAGES.input(picture);
        return (shape ? input.transform(shape) : input).output(options);
      };
      return {
        output,
        transform: (shape: ImageTransform) => ({ output: (o: ImageOutputOptions) => output(o, shape) }),
      };
    },
  } as unknown as ImagesBinding;
  return { bindings: { ...env, IMAGES }, calls: () => formats.length, formats };
}
