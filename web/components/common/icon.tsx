/** Icons on a grid of 24, drawn with one stroke in the text's colour. They are hidden from screen readers. */
const PATHS = {
  home: "M4 11.2 12 4l8 7.2V20h-5.5v-5.5h-5V20H4z",
  people:
    "M9 11.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7ZM2.8 20c.3-3.6 2.8-5.7 6.2-5.7s5.9 2.1 6.2 5.7M15.5 4.8a3.5 3.5 0 0 1 0 6.4M18 14.9c1.9.8 3 2.6 3.2 5.1",
  plus: "M12 5v14M5 12h14",
  bell: "M12 3.8a5.7 5.7 0 0 0-5.7 5.7c0 5-2.1 6.2-2.1 7.2h15.6c0-1-2.1-2.2-2.1-7.2A5.7 5.7 0 0 0 12 3.8ZM9.7 19.6a2.5 2.5 0 0 0 4.6 0",
  heart:
    "M12 20.2S3.5 15.3 3.5 9.2A4.6 4.6 0 0 1 8.1 4.5c1.7 0 3.1.9 3.9 2.4.8-1.5 2.2-2.4 3.9-2.4a4.6 4.6 0 0 1 4.6 4.7c0 6.1-8.5 11-8.5 11Z",
  comment:
    "M12 4.5c-4.8 0-8.5 3.1-8.5 7.2 0 2.3 1.2 4.2 3 5.5l-.4 3.3 3.5-2c.8.2 1.6.3 2.4.3 4.8 0 8.5-3 8.5-7.1s-3.7-7.2-8.5-7.2Z",
  left: "M14.5 5.5 8 12l6.5 6.5",
  right: "M9.5 5.5 16 12l-6.5 6.5",
  down: "M5.5 9.5 12 16l6.5-6.5",
  close: "M6 6l12 12M18 6 6 18",
  sun: "M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM12 3v1.5M12 19.5V21M3 12h1.5M19.5 12H21M5.6 5.6l1.1 1.1M17.3 17.3l1.1 1.1M5.6 18.4l1.1-1.1M17.3 6.7l1.1-1.1",
  moon: "M19.5 14.3A7.8 7.8 0 0 1 9.7 4.5a7.8 7.8 0 1 0 9.8 9.8Z",
  picture: "M4 5.5h16v13H4zM4 16l4.5-4.5 4 4 2.5-2.5 5 5M15.5 10.2h.01",
  album: "M7.5 7.5h12v12h-12zM4.5 16V4.5H16",
  pause: "M8.5 6v12M15.5 6v12",
  play: "M8.5 6v12l9.5-6z",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  pin: "M9 3.5h6l-.8 6 3.3 3.8v1.2H6.5v-1.2L9.8 9.5zM12 14.5v6",
  hidden:
    "M4 4l16 16M9.9 5.8a9 9 0 0 1 2.1-.3c5.2 0 8.3 4.2 9.5 6.5a16 16 0 0 1-2.6 3.4M6.2 7.3A15.5 15.5 0 0 0 2.5 12c1.2 2.3 4.3 6.5 9.5 6.5a9 9 0 0 0 4.2-1M9.7 9.7a3.2 3.2 0 0 0 4.6 4.6",
  lock: "M6 10.5h12V20H6zM8.5 10.5V8a3.5 3.5 0 0 1 7 0v2.5",
  flag: "M6 21V4M6 5c4-2.5 7 2.5 12 0v9c-5 2.5-8-2.5-12 0",
  warning: "M12 4 2.8 19.5h18.4zM12 10v4.5M12 17h.01",
} as const;

export type IconName = keyof typeof PATHS;

export const Icon = ({ name, filled = false }: { name: IconName; filled?: boolean }) => (
  <svg class={filled ? "icon icon-filled" : "icon"} viewBox="0 0 24 24" aria-hidden="true">
    <path d={PATHS[name]} />
  </svg>
);
