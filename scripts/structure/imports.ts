/** Reads the imports between source files. Uses nothing of a runtime, so that tests in any of them share it. */

/** A source file, by its path from the root of the repository. */
export type SourceFile = { file: string; source: string };

/** What a file imports: a file by its path from the root, or else a package by its name. */
export type Import = { file: string; from: string; isType: boolean };

/** Lists the imports and re-exports of the files, type imports included. */
export const importsOf = (files: readonly SourceFile[]): Import[] =>
  files.flatMap(({ file, source }) =>
    [...source.matchAll(/(?:^(?:import|export) (type )?[^;]*?from |\bimport\()"([^"]+)"/gms)].map(
      ([, type, from = ""]) => ({
        file,
        from: from.startsWith(".") ? new URL(from, `file:///${file}`).pathname.slice(1) : from,
        isType: type !== undefined,
      }),
    ),
  );

/** Returns the index of the innermost layer, a folder or a file, that holds the file; -1 when none does. */
export function layerOf(file: string, layers: readonly string[]): number {
  const holding = layers.filter((layer) => file === layer || file.startsWith(`${layer}/`));
  const innermost = holding.reduce((found, next) => (next.length > found.length ? next : found), "");
  return layers.indexOf(innermost);
}

/** Lists the imports of files in higher layers. */
export const upwardImports = (imports: readonly Import[], layers: readonly string[]): Import[] =>
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

export const asText = ({ file, from }: Import): string => `${file} imports ${from}`;
