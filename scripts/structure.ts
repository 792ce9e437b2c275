/**
 * `npm run structure`: measures how hard it is to find your way in the code.
 *
 * It counts the files of workers/, durable-objects/ and schema/ without their tests, and the imports between them, type
 * imports included. It shows which imports run upward by the layers of scripts/structure/layers.ts, and which files import each
 * other in a circle. It lists the repository's largest folders by the TypeScript files directly in them, tests included.
 * Then it runs the Worker and measures how many files you have to read to follow a request: see `enteredFiles` for the
 * method and its limits. The same checkout always gives the same figures. Takes a minute.
 */
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { type Entered, enteredFiles } from "./structure/entered-files.ts";
import { asText, circlesOf, importsOf, layerOf, upwardImports } from "./structure/imports.ts";
import { isInternal, PRODUCT } from "./structure/layers.ts";
import { ROOT } from "./paths.ts";
import { exitWithError, StartError } from "./process/start-error.ts";
import { whenAskedToStop } from "./process/shutdown.ts";

const USAGE = `npm run structure [-- options]
  --root DIR      the checkout to measure, with its node_modules    (this one)
  --layers LIST   its layers: folders from the bottom to the top, separated by commas, or "none"
                  (those of its scripts/structure/layers.ts, if it has that file)
  --files         also list the files of each request, the upward imports and the circles
  --json          print everything as JSON`;

const LARGEST_FOLDERS = 5;

type Structure = {
  files: number;
  imports: number;
  layers: number;
  /** Files in no layer. Imports from and of them never count as upward. */
  unlayered: string[];
  upward: string[];
  circles: string[];
  folders: { folder: string; files: number }[];
  entered: Entered[];
};

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      root: { type: "string", default: ROOT },
      layers: { type: "string" },
      files: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return console.log(USAGE);
  const root = resolve(values.root);
  if (!existsSync(join(root, "workers/index.ts"))) throw new StartError(`${root} is not a checkout of Shutterline.`);
  const structure = {
    ...staticStructure(root, await layersOf(root, values.layers)),
    entered: await enteredFiles(root),
  };
  console.log(values.json ? JSON.stringify(structure, null, 2) : tableOf(structure, values.files));
}

/** Returns the layers in `list`, or else those of the checkout. */
async function layersOf(root: string, list: string | undefined): Promise<readonly string[]> {
  if (list !== undefined) return list === "none" ? [] : list.split(",");
  const file = join(root, "scripts/structure/layers.ts");
  if (!existsSync(file)) return [];
  return ((await import(pathToFileURL(file).href)) as { LAYERS: readonly string[] }).LAYERS;
}

function staticStructure(root: string, layers: readonly string[]): Omit<Structure, "entered"> {
  const typescript = globSync("**/*.{ts,tsx}", {
    cwd: root,
    exclude: (name) => name.startsWith(".") || name === "node_modules" || name === "dist",
  }).sort();
  const product = typescript.filter(
    (file) => PRODUCT.some((folder) => file.startsWith(`${folder}/`)) && !file.endsWith(".test.ts"),
  );
  const imports = importsOf(product.map((file) => ({ file, source: readFileSync(join(root, file), "utf8") })));
  const internal = imports.filter(isInternal);
  const isLayered = (file: string) => layerOf(file, layers) !== -1;
  const layered = internal.filter(({ file, from }) => isLayered(file) && isLayered(from));
  const folders = Map.groupBy(typescript, dirname);
  return {
    files: product.length,
    imports: internal.length,
    layers: layers.length,
    unlayered: layers.length === 0 ? [] : product.filter((file) => !isLayered(file)),
    upward: upwardImports(layered, layers).map(asText),
    circles: circlesOf(internal).map((circle) => circle.join(", ")),
    folders: [...folders]
      .map(([folder, files]) => ({ folder, files: files.length }))
      .sort((a, b) => b.files - a.files)
      .slice(0, LARGEST_FOLDERS),
  };
}

function tableOf(structure: Structure, listsFiles: boolean): string {
  const { files, imports, layers, unlayered, upward, circles, folders, entered } = structure;
  const row = (name: string, value: number | string, items: readonly string[] = []) => [
    `  ${name.padEnd(30)}${String(value).padStart(6)}`,
    ...(listsFiles ? items.map((item) => `      ${item}`) : []),
  ];
  return [
    `Files and imports of ${PRODUCT.map((folder) => `${folder}/`).join(", ")}, without tests`,
    ...row("files", files),
    ...row("imports between them", imports),
    ...row("imports that run upward", layers === 0 ? "-" : upward.length, upward),
    ...(unlayered.length > 0 ? row("files in no layer", unlayered.length, unlayered) : []),
    ...row("circles of imports", circles.length, circles),
    "",
    "The largest folders: TypeScript files directly in them, with tests",
    ...folders.flatMap(({ folder, files }) => row(folder, files)),
    "",
    "Files that a request enters before it is answered",
    ...entered.flatMap(({ request, files }) => row(request, files.length, files)),
  ].join("\n");
}

whenAskedToStop();
await main().catch(exitWithError);
