import { expect, it } from "vitest";
import { formatsFor } from "./accept.ts";

it.each([
  [undefined, "jpeg"],
  ["", "jpeg"],
  // Programs, and browsers from before WebP.
  ["*/*", "jpeg"],
  ["image/*", "jpeg"],
  ["image/png,image/svg+xml,image/*;q=0.8,video/*;q=0.8,*/*;q=0.5", "jpeg"],
  // Chrome, Firefox, Safari.
  ["image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8", "avif webp jpeg"],
  ["image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5", "avif webp jpeg"],
  ["image/webp,image/avif,image/jxl,video/*;q=0.8,image/png,*/*;q=0.5", "avif webp jpeg"],
  ["image/webp,*/*;q=0.8", "webp jpeg"],
  ["image/avif", "avif jpeg"],
  // Weights and their notation.
  ["image/avif;q=0.5, image/webp", "webp avif jpeg"],
  ["image/avif;q=0,image/webp;q=0.001", "webp jpeg"],
  ["image/webp;q=0", "jpeg"],
  ["image/webp;q=0.5,image/jpeg", "jpeg"],
  ["image/webp;q=0.5,image/jpeg;q=0.5", "webp jpeg"],
  ["IMAGE/WebP ; Q=1.000", "webp jpeg"],
  ["image/webp;level=1;q=0", "jpeg"],
  // A malformed weight means that the type is not wanted.
  ["image/webp;q=", "jpeg"],
  ["image/webp;q=2", "jpeg"],
  ["image/webp;q=-1", "jpeg"],
  ["image/webp;q=1.0001", "jpeg"],
  ["image/webp;q=NaN, image/avif", "avif jpeg"],
  ["image/webpx, ximage/avif, ;;;,,,q=1", "jpeg"],
])("for an Accept header of %s chooses %s", (accept, formats) => {
  expect(formatsFor(accept).join(" ")).toBe(formats);
});
