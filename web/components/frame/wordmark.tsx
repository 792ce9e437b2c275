/** An aperture of five blades. The letters are drawn too, so that they look the same on every system. */
const APERTURE = "M3.5 7.8L15.1 7.8M13.4 2.6L16.9 13.6M21.4 10.4L12 17.2M16.4 20.4L7.1 13.6M5.4 18.8L8.9 7.8";

// One stroke per letter of "shutterline", on a baseline at 20 with an x-height of 9.
const LETTERS =
  "M38.2 12.6c-.7-1-1.8-1.6-3.2-1.6-1.9 0-3.2.9-3.2 2.3 0 3.2 6.6 1.2 6.6 4.4 0 1.5-1.4 2.4-3.4 2.4-1.6 0-2.8-.6-3.6-1.8" +
  "M42.6 4.5V20M42.6 15c0-2.5 1.5-4 3.7-4s3.6 1.5 3.6 4v5" +
  "M54.2 11v5c0 2.5 1.4 4.1 3.6 4.1s3.7-1.6 3.7-4.1v-5M61.5 11v9" +
  "M67.3 7.2v9.6c0 2.2 1 3.3 3 3.3M64.9 11h5.2" +
  "M75 7.2v9.6c0 2.2 1 3.3 3 3.3M72.6 11h5.2" +
  "M81.2 15.3h8.2c0-2.6-1.6-4.4-4-4.4-2.5 0-4.2 1.9-4.2 4.6s1.7 4.6 4.3 4.6c1.6 0 2.8-.6 3.6-1.8" +
  "M93.4 11v9M93.4 15.2c0-2.6 1.5-4.2 4-4.2" +
  "M101 4.5V20" +
  "M105.4 11v9" +
  "M110 11v9M110 15c0-2.5 1.5-4 3.7-4s3.6 1.5 3.6 4v5" +
  "M121.4 15.3h8.2c0-2.6-1.6-4.4-4-4.4-2.5 0-4.2 1.9-4.2 4.6s1.7 4.6 4.3 4.6c1.6 0 2.8-.6 3.6-1.8";

export const Wordmark = () => (
  <svg class="wordmark" viewBox="0 0 132 24" role="img" aria-label="Shutterline">
    <g class="wordmark-mark">
      <circle cx="12" cy="12" r="9.5" />
      <path d={APERTURE} />
    </g>
    <path d={LETTERS} />
    <circle class="wordmark-dot" cx="105.4" cy="6.4" r="1.35" />
  </svg>
);
