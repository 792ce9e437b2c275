import { readFileSync } from "node:fs";
import { join } from "node:path";
import { defineConfig, type Plugin } from "vite";

const FOREVER = "Cache-Control: public, max-age=31536000, immutable";

const page = (name: string): string => join(import.meta.dirname, name);

/** The web client, and the operator's page beside it, built into the folder that wrangler.toml serves. */
export default defineConfig({
  root: import.meta.dirname,
  // Without the preset: all that is needed of it is how JSX is written, and the bundler knows that by itself.
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  plugins: [headers()],
  build: {
    outDir: "../dist/client",
    emptyOutDir: true,
    // The policy in _headers has no `data:` in it, so nothing may be inlined into the style sheet.
    assetsInlineLimit: 0,
    // The first browsers with light-dark(), which halves the style sheet: written out for older ones it would double.
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    // The polyfill is for browsers that are older than what the style sheet needs.
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: {
        index: page("index.html"),
        operator: page("operator.html"),
        "service-worker": page("service-worker/main.ts"),
      },
      // Under the same name whatever is in it: browsers look there for a newer one, and it speaks for the folder it lies in.
      output: {
        entryFileNames: ({ name }) => (name === "service-worker" ? "[name].js" : "assets/[name]-[hash].js"),
      },
    },
  },
});

/**
 * _headers, and long caching for each file whose name changes with what is in it. Not for all of /assets/: a name that is
 * not there is answered with the page of the client, as every other path, and while versions change that page would be
 * kept for a year in place of a script.
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
