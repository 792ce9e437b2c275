import { join } from "node:path";
import { defineConfig } from "vite";

const page = (name: string): string => join(import.meta.dirname, name);

/** Builds the web client and the operator's page into the folder that wrangler.toml serves. */
export default defineConfig({
  root: import.meta.dirname,
  // No preset plugin: the bundler itself can compile JSX, which is all that is needed of it.
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "../dist/client",
    emptyOutDir: true,
    // The policy in _headers has no `data:` in it, so nothing may be inlined into the style sheet.
    assetsInlineLimit: 0,
    // The first browsers with light-dark(). Compiled for older ones, the style sheet would double in size.
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    // Only browsers too old for the style sheet need the polyfill.
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: {
        index: page("index.html"),
        operator: page("operator.html"),
        "service-worker": page("service-worker/main.ts"),
      },
      // The service worker keeps one name, where browsers look for updates, and lies at the root, which is its scope.
      output: {
        entryFileNames: ({ name }) => (name === "service-worker" ? "[name].js" : "assets/[name]-[hash].js"),
      },
    },
  },
});
