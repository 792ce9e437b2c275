/** Checks responses against the OpenAPI documents: whatever a test asks for, the answer must be one that they describe. */
import { Validator } from "@cfworker/json-schema";
import { env } from "cloudflare:workers";
import { createExecutionContext } from "cloudflare:test";
import { app } from "../../../workers/app.ts";

type Described = { content?: Record<string, { schema: object }> };
type Operation = { responses: Record<string, Described | { $ref: string }> };
type Components = { responses: Record<string, Described> };
type Document = { paths: Record<string, Record<string, Operation>>; components: Components };

const JSON_TYPES = new Set(["application/json", "application/problem+json"]);

/** Throws if a response to a request is not described. Paths that belong to no operation are not checked. */
export async function checkContract(method: string, url: string, response: Response): Promise<void> {
  const path = new URL(url, "http://localhost").pathname;
  const found = operationOf(await documentOf(path), method, path);
  if (!found) return;
  const { name, operation, components } = found;
  const described = resolved(operation.responses[String(response.status)], components);
  const text = described === undefined || JSON_TYPES.has(typeOf(response)) ? await response.clone().text() : "";
  if (!described) throw new Error(`${name} describes no ${response.status}: ${text}`);
  const type = typeOf(response);
  const schema = described.content?.[type]?.schema;
  if (described.content && !schema && response.body)
    throw new Error(`${name} describes no ${type} for ${response.status}`);
  if (!schema || !JSON_TYPES.has(type) || method === "HEAD") return;
  const { valid, errors } = validatorOf(schema, components).validate(JSON.parse(text));
  if (!valid) {
    const reasons = errors.map(({ instanceLocation, error }) => `${instanceLocation} ${error}`).join("\n");
    throw new Error(`${name} describes another ${response.status}: ${text.slice(0, 2000)}\n${reasons}`);
  }
}

/** Returns a response itself, or the one that it refers to. */
function resolved(
  response: Described | { $ref: string } | undefined,
  { responses }: Components,
): Described | undefined {
  return response && "$ref" in response ? responses[response.$ref.split("/").at(-1) ?? ""] : response;
}

const typeOf = (response: Response): string => (response.headers.get("content-type") ?? "").split(";")[0] ?? "";

const documents = new Map<string, Promise<Document>>();

/** Returns the document that describes `path`. */
function documentOf(path: string): Promise<Document> {
  const at = path.startsWith("/v1/admin/") ? "/v1/admin/openapi.json" : "/v1/openapi.json";
  const known = documents.get(at) ?? read(at);
  documents.set(at, known);
  return known;
}

async function read(at: string): Promise<Document> {
  const response = await app.fetch(new Request(`http://localhost${at}`), env, createExecutionContext());
  return response.json<Document>();
}

function operationOf({ paths, components }: Document, method: string, path: string) {
  const steps = path.split("/");
  const matching = Object.keys(paths).filter((template) => {
    const wanted = template.split("/");
    return (
      wanted.length === steps.length && wanted.every((step, index) => step.startsWith("{") || step === steps[index])
    );
  });
  // A path without parameters comes before one with them.
  const [template] = matching.sort((a, b) => a.split("{").length - b.split("{").length);
  if (template === undefined) return undefined;
  const operations = paths[template] ?? {};
  const operation = operations[method.toLowerCase()] ?? (method === "HEAD" ? operations["get"] : undefined);
  return operation && { name: `${method} ${template}`, operation, components };
}

const validators = new WeakMap<object, Validator>();

function validatorOf(schema: object, components: object): Validator {
  const known = validators.get(schema) ?? new Validator({ ...schema, components }, "2020-12", false);
  validators.set(schema, known);
  return known;
}
