import { parseAst } from "vite";

type Node = { type: string; start: number; end: number; body?: unknown };

const FUNCTIONS = new Set(["FunctionDeclaration", "FunctionExpression", "ArrowFunctionExpression"]);

/** Returns a TypeScript file in which every function first evaluates the expression `mark`. */
export function instrumented(source: string, mark: string): string {
  const insertions: { at: number; text: string }[] = [];
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) for (const item of value) visit(item);
    else if (isNode(value)) {
      const { type, body } = value;
      if (FUNCTIONS.has(type) && isNode(body)) {
        if (body.type === "BlockStatement") insertions.push({ at: body.start + 1, text: `${mark};` });
        else insertions.push({ at: body.start, text: `(${mark}, ` }, { at: body.end, text: ")" });
      }
      for (const child of Object.values(value)) visit(child);
    }
  };
  visit(parseAst(source, { lang: "ts" }));
  let done = 0;
  const pieces: string[] = [];
  for (const { at, text } of insertions.toSorted((a, b) => a.at - b.at)) {
    pieces.push(source.slice(done, at), text);
    done = at;
  }
  return pieces.join("") + source.slice(done);
}

const isNode = (value: unknown): value is Node => typeof value === "object" && value !== null && "type" in value;
