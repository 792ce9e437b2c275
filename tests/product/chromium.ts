/** The browser of the tests: one of this machine, or the one that comes as an npm package, so that a fresh clone has one. */
import { execFileSync } from "node:child_process";
import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import packed, { inflate } from "@sparticuz/chromium";
import { type Browser, chromium } from "playwright-core";
import { ROOT } from "../../scripts/places.ts";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const ON_A_MAC = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome";
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** In node_modules, so that another version of the package unpacks anew and a checkout shares nothing with the next. */
const UNPACKED = join(ROOT, "node_modules/.cache/chromium");

/** Its own looks for fonts under /tmp. A page without any font has text of no width, which a test takes for hidden. */
const FONTS = '<fontconfig><dir prefix="relative">.</dir></fontconfig>';

/** To be closed by its caller. */
export async function launchChromium(): Promise<Browser> {
  const own = installed();
  const executablePath = own ?? (await unpacked());
  return await chromium.launch({ executablePath, args: FLAGS, ...(!own && { env: environment(executablePath) }) });
}

function installed(): string | undefined {
  const chosen = process.env["CHROME_PATH"];
  if (chosen) return chosen;
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  return [...folders.flatMap((folder) => NAMES.map((name) => join(folder, name))), ON_A_MAC].find(isExecutable);
}

/** Unpacks the package's browser: once, in a few seconds, 215 MB. */
async function unpacked(): Promise<string> {
  if (process.platform !== "linux") throw new Error("No Chromium found: set CHROME_PATH to one.");
  const executable = join(UNPACKED, "chromium");
  if (existsSync(executable)) return executable;
  // It unpacks into the folder for temporary files, under fixed names, and takes what is there for whole. So it gets one
  // of its own, which gets its name only when all of it is there.
  mkdirSync(dirname(UNPACKED), { recursive: true });
  const unfinished = mkdtempSync(`${UNPACKED}-`);
  const before = process.env["TMPDIR"];
  process.env["TMPDIR"] = unfinished;
  try {
    await packed.executablePath();
    await inflate(join(dirname(fileURLToPath(import.meta.resolve("@sparticuz/chromium"))), "../bin/al2023.tar.br"));
    writeFileSync(join(unfinished, "fonts/fonts.conf"), FONTS);
    renameSync(unfinished, UNPACKED);
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    // Somebody else was faster, and theirs is as good.
    if (!existsSync(executable)) throw error;
  } finally {
    if (before === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = before;
  }
  return executable;
}

/** With the package's fonts, and where the machine lacks libraries with the package's too. */
function environment(executable: string): Record<string, string> {
  const own = Object.fromEntries(Object.entries(process.env).filter((entry): entry is [string, string] => !!entry[1]));
  const withFonts = { ...own, FONTCONFIG_PATH: join(UNPACKED, "fonts") };
  if (missingLibraries(executable, withFonts).length === 0) return withFonts;

  const withLibraries = { ...withFonts, LD_LIBRARY_PATH: join(UNPACKED, "al2023/lib") };
  const missing = missingLibraries(executable, withLibraries);
  if (missing.length > 0) {
    throw new Error(`Chromium needs ${missing.join(", ")}: install them, or set CHROME_PATH to a browser that runs.`);
  }
  return withLibraries;
}

function missingLibraries(executable: string, env: Record<string, string>): string[] {
  const libraries = execFileSync("ldd", [executable], { env, encoding: "utf8" });
  return [...libraries.matchAll(/^\s*(\S+) => not found/gm)].map(([, name = ""]) => name);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
