import { readFileSync } from "node:fs";
import { join } from "node:path";
import { defineConfig, type Plugin } from "vite";

const FOREVER = "Cache-Control: public, max-age=31536000, immutable";

const page = (name: string): string => join(import.meta.dirname, name);

/** Builds the web client and the operator's page into the folder that wrangler.toml serves. */
export default defineConfig({
  root: import.meta.dirname,
  // No preset plugin: the bundler itself can compile JSX, which is all that is needed of it.
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  plugins: [headers()],
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

/**
 * Emits _headers, with a year of caching for each file that has a content hash in its name. Not for all of /assets/: a
 * missing file gets the client's page, as every unknown path does, and during a deployment browsers would cache that
 * page for a year in place of a script.
 */
function headers(): Plugin {
  return {
    name: "headers",
    apply: "build",
    generateBundle(_options, bundle) {
      const hashed = Object.keys(bundle).filter((name) => name.startsWith("assets/"));
      const rules = hashed.map((name) => `\n/${name}\n  ${FOREVER}\n`);
      const common = readFileSync(join(import.meta.dirname, "_headers"), "utf8");
      this.emitFile({ type: "asset", fileName: "_headers", source: common + rules.join("") });
    },
  };
}
