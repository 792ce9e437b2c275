import { expect, it } from "vitest";
import { asText, circlesOf, type Import, importsOf, layerOf, type SourceFile, upwardImports } from "./imports.ts";

type Subject = {
  /** The text of each file by its absolute path, as `import.meta.glob` returns them. Tests among them are left out. */
  sources: Record<string, string>;
  /** From the bottom to the top. A file imports from its own layer and from those below it, never from above. */
  layers: readonly string[];
  /** Whether an import leads to another file of these sources. */
  isInternal: (imported: Import) => boolean;
  /** There are more files, and more imports between them, than these. */
  moreThan: { files: number; imports: number };
};

/** Registers the tests that hold the layers of some sources. Returns what they read, for tests of further rules. */
export function testLayers({ sources, layers, isInternal, moreThan }: Subject): {
  files: SourceFile[];
  imports: Import[];
  internal: Import[];
} {
  const files = Object.entries(sources).flatMap(([path, source]) =>
    /\.test\.tsx?$/.test(path) ? [] : [{ file: path.slice(1), source }],
  );
  const imports = importsOf(files);
  const internal = imports.filter(isInternal);

  it("finds the sources", () => {
    expect(files.length).toBeGreaterThan(moreThan.files);
    expect(internal.length).toBeGreaterThan(moreThan.imports);
    console.log(`${internal.length} imports between ${files.length} files checked`);
  });

  it("gives every file a layer", () => {
    expect(files.filter(({ file }) => layerOf(file, layers) === -1).map(({ file }) => file)).toEqual([]);
  });

  it("imports downwards only", () => {
    expect(upwardImports(internal, layers).map(asText)).toEqual([]);
  });

  it("has no circle of imports", () => {
    expect(circlesOf(internal).map((circle) => circle.join(" and "))).toEqual([]);
  });

  return { files, imports, internal };
}
