/** Reads the imports of source files, type imports included, for the tests of the layers. */

export type Import = { file: string; from: string; isType: boolean };

/** Lists the imports of all sources but tests. `sources` has absolute paths, as `import.meta.glob` returns them. */
export function importsOf(sources: Record<string, string>): { files: string[]; imports: Import[] } {
  const subjects = Object.entries(sources).filter(([path]) => !/\.test\.tsx?$/.test(path));
  const imports = subjects.flatMap(([path, source]) =>
    [...source.matchAll(/(?:^(?:import|export) (type )?[^;]*?from |\bimport\()"([^"]+)"/gms)].map(
      ([, type, from = ""]) => ({
        file: path.slice(1),
        from: from.startsWith(".") ? new URL(from, `file://${path}`).pathname.slice(1) : from,
        isType: type !== undefined,
      }),
    ),
  );
  return { files: subjects.map(([path]) => path.slice(1)), imports };
}

/** The index of the innermost layer that holds the file; -1 when none does. A layer is a folder or a single file. */
export function layerOf(layers: readonly string[], file: string): number {
  const holding = layers.filter((layer) => file === layer || file.startsWith(`${layer}/`));
  const innermost = holding.reduce((found, next) => (next.length > found.length ? next : found), "");
  return layers.indexOf(innermost);
}

/** Lists the circles among the imports, each as its files in order; empty when there is none. */
export function circlesIn(imports: Import[]): string[] {
  const targets = new Map<string, string[]>();
  for (const { file, from } of imports) targets.set(file, [...(targets.get(file) ?? []), from]);
  const [done, path]: [Set<string>, string[]] = [new Set(), []];
  const circles: string[] = [];
  const visit = (file: string): void => {
    if (path.includes(file)) {
      circles.push([...path.slice(path.indexOf(file)), file].join(" -> "));
      return;
    }
    if (done.has(file)) return;
    path.push(file);
    for (const target of targets.get(file) ?? []) visit(target);
    path.pop();
    done.add(file);
  };
  for (const file of targets.keys()) visit(file);
  return circles;
}

export const asText = ({ file, from }: Import): string => `${file} imports ${from}`;
