/** The layers of the web client: what a file may import, type imports included. */
import { expect, it } from "vitest";
import { asText } from "../scripts/structure/imports.ts";
import { testLayers } from "../scripts/structure/layer-tests.ts";

/** From the bottom to the top. A file imports from its own layer and from those below it, never from above. */
const LAYERS = [
  "web/service-worker",
  "web/limits.ts",
  "web/words",
  "web/browser",
  "web/api",
  "web/uploads",
  "web/state",
  "web/components/common",
  "web/components/controls",
  "web/components/reports",
  "web/components/people",
  "web/components/account",
  "web/components/media",
  "web/components/posts",
  "web/components/comments",
  "web/components/new-post",
  "web/components/notifications",
  "web/components/moderation",
  "web/components/frame",
  "web/operator",
  "web/pages",
  "web/app.tsx",
  "web/main.tsx",
];

const sources = import.meta.glob<string>(["/web/**/*.{ts,tsx}", "!/web/vite.config.ts"], {
  query: "?raw",
  import: "default",
  eager: true,
});
const { imports } = testLayers({
  sources,
  layers: LAYERS,
  isInternal: ({ from }) => from.startsWith("web/"),
  moreThan: { files: 100, imports: 300 },
});

it("takes only the schema from the rest of the product", () => {
  const others = /^(workers|durable-objects|scripts|bench|tests)\//;
  expect(imports.filter(({ from }) => others.test(from)).map(asText)).toEqual([]);
});
