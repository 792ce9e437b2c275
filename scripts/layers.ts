/** The layers of the product, and the imports between its files. Uses nothing of a runtime, so that tests share it. */

/** From the bottom to the top. A file imports from its own layer and from those below it, never from above. */
export const LAYERS = [
  "schema",
  "schema/live",
  "schema/media",
  "schema/messages",
  "schema/tables",
  "schema/api",
  "schema/d1",
  "durable-objects/upload",
  "durable-objects/post",
  "durable-objects/live",
  "workers/storage",
  "workers/http",
  "workers/operations",
  "workers/reads",
  "workers/notifications",
  "workers/push",
  "workers/media",
  "workers/feeds",
  "workers/relations",
  "workers/projector",
  "workers/shards",
  "workers/answers",
  "workers/api/accounts",
  "workers/api/people",
  "workers/api/posts",
  "workers/api/live",
  "workers/api/notifications",
  "workers/api/media",
  "workers/api/operations",
  "workers",
];

/** The folders of the product. */
export const PRODUCT = ["workers", "durable-objects", "schema"];

/** A source file, by its path from the root of the repository. */
export type SourceFile = { file: string; source: string };

/** What a file imports: a file by its path from the root, or else a package by its name. */
export type Import = { file: string; from: string; isType: boolean };

/** Lists the static imports and re-exports of the files. */
export const importsOf = (files: readonly SourceFile[]): Import[] =>
  files.flatMap(({ file, source }) =>
    [...source.matchAll(/^(?:import|export) (type )?[^;]*?from "([^"]+)";/gms)].map(([, type, from = ""]) => ({
      file,
      from: from.startsWith(".") ? new URL(from, `file:///${file}`).pathname.slice(1) : from,
      isType: type !== undefined,
    })),
  );

/** Whether an import leads to another file of the product. */
export const isInternal = ({ from }: Import): boolean => PRODUCT.some((folder) => from.startsWith(`${folder}/`));

/** Returns the index of the innermost layer that holds the file; -1 when none does. */
export function layerOf(file: string, layers: readonly string[] = LAYERS): number {
  const folders = layers.map((layer, index) => ({ layer, index })).filter(({ layer }) => file.startsWith(`${layer}/`));
  return folders.reduce((found, next) => (next.layer.length > (layers[found]?.length ?? 0) ? next.index : found), -1);
}

/** Lists the imports of files in higher layers. */
export const upwardImports = (imports: readonly Import[], layers: readonly string[] = LAYERS): Import[] =>
  imports.filter(({ file, from }) => layerOf(from, layers) > layerOf(file, layers));

/** Lists the circles of imports: groups of files, each of which imports all others of its group, directly or not. */
export function circlesOf(imports: readonly Import[]): string[][] {
  const targets = Map.groupBy(imports, ({ file }) => file);
  const reached = new Map(Array.from(targets.keys(), (file) => [file, reachedFrom(file, targets)]));
  const circles: string[][] = [];
  for (const [file, others] of reached) {
    if (!others.has(file) || circles.some((circle) => circle.includes(file))) continue;
    circles.push([...others].filter((other) => reached.get(other)?.has(file)).sort());
  }
  return circles;
}

/** Returns the files that `file` imports, directly or not. It contains `file` itself only if that lies in a circle. */
function reachedFrom(file: string, targets: Map<string, Import[]>): Set<string> {
  const reached = new Set<string>();
  const waiting = [file];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    for (const { from } of targets.get(next) ?? []) {
      if (reached.has(from)) continue;
      reached.add(from);
      waiting.push(from);
    }
  }
  return reached;
}
