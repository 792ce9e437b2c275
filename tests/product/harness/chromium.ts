/** The browser for tests: one installed on this machine, or else the one in an npm package, which a fresh clone has. */
import { execFileSync } from "node:child_process";
import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import packed, { inflate } from "@sparticuz/chromium";
import { type Browser, chromium } from "playwright-core";
import { ROOT } from "../../../scripts/paths.ts";

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

/** In node_modules, so that a new version of the package is unpacked again and checkouts share nothing. */
const UNPACKED = join(ROOT, "node_modules/.cache/chromium");

/** Replaces the package's own, which looks under /tmp. Text without a font has no width: to tests it is hidden. */
const FONTS = '<fontconfig><dir prefix="relative">.</dir></fontconfig>';

/** Launches a browser, which the caller must close. */
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

/** Unpacks the package's browser (215 MB, a few seconds) unless it is unpacked already. Returns its path. */
async function unpacked(): Promise<string> {
  if (process.platform !== "linux") throw new Error("No Chromium found: set CHROME_PATH to one.");
  const executable = join(UNPACKED, "chromium");
  if (existsSync(executable)) return executable;
  // The package unpacks into TMPDIR under fixed names, and takes existing files for complete. It gets its own folder,
  // which is renamed into place once everything is there.
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
    // Another process was faster, and its copy is as good.
    if (!existsSync(executable)) throw error;
  } finally {
    if (before === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = before;
  }
  return executable;
}

/** The environment for the package's browser: its fonts, and its libraries if the machine lacks some. */
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
  const libraries = execFileSync("ldd", [executable], { env: { ...process.env, ...env }, encoding: "utf8" });
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
