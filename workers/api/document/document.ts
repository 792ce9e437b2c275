/** Completes the OpenAPI documents: what routes do not say themselves, and what is the same for many of them. */
import type { Operation } from "./operations.ts";
import { COMPONENTS } from "./components.ts";
import { RefusalResponses, refusalsOf } from "./refusals.ts";

type Parameter = { name: string; in: string } | { $ref: string };
type RouteObject = {
  parameters?: Parameter[];
  requestBody?: { content?: Record<string, unknown> };
  responses: Record<string, { headers?: Record<string, unknown> }>;
};
/** The parts of a document that are read here. */
export type Document = {
  info: object;
  paths?: Record<string, Record<string, RouteObject>>;
  components?: { schemas?: Record<string, unknown>; parameters?: Record<string, unknown> };
};

export type Completion = {
  /** What all its paths begin with, such as "/v1". */
  prefix: string;
  operations: Record<string, Operation>;
  /** The operations that answer `If-None-Match`. */
  withEtag?: ReadonlySet<string>;
  tags: Record<string, string>;
  /** The ways to prove who calls, by the names in COMPONENTS. */
  schemes: readonly ("session" | "token" | "operator")[];
  /** Paths that no route of the router describes. */
  more?: (refusals: RefusalResponses) => Record<string, object>;
};

const HAS_SESSION = { session: true, token: true, operator: false };

/**
 * Completes a document that describes the routes of one router. Throws if an operation is missing in the table, or the
 * other way round.
 */
export function completed(document: Document, completion: Completion): object {
  const { prefix, operations, withEtag = new Set(), tags, schemes, more } = completion;
  const unused = new Set(Object.keys(operations));
  const refusals = new RefusalResponses();
  const hasSession = schemes.some((scheme) => HAS_SESSION[scheme]);
  const secured = schemes.map((scheme) => ({ [scheme]: [] }));
  const describe = (method: string, path: string, route: RouteObject): object => {
    const name = `${method.toUpperCase()} ${path}`;
    const operation = operations[name];
    if (!operation) throw new Error(`${name} has no entry in the table of operations`);
    unused.delete(name);
    const { parameters = [], requestBody, responses } = route;
    const readsSession = hasSession && method !== "options";
    const codes = refusalsOf(operation.refusals, {
      method: method.toUpperCase(),
      path,
      hasSession: readsSession,
      hasJsonBody: requestBody?.content?.["application/json"] !== undefined,
      parameters: parameters.flatMap((parameter) => ("name" in parameter ? [parameter.name] : [])),
    });
    const { default: _, ...own } = responses;
    const isCached = withEtag.has(name);
    return {
      operationId: operation.id,
      tags: [operation.tag],
      ...route,
      security: operation.isOpen ? [{}, ...(readsSession ? secured : [])] : secured,
      parameters: [
        ...parameters,
        ...(hasSession ? [{ $ref: "#/components/parameters/ConsistencyToken" }] : []),
        ...(isCached ? [{ $ref: "#/components/parameters/IfNoneMatch" }] : []),
      ],
      responses: {
        ...Object.fromEntries(
          Object.entries(own).map(([status, response]) => [
            status,
            { ...response, headers: { ...response.headers, ...successHeaders(hasSession, isCached, method) } },
          ]),
        ),
        ...(isCached && { 304: { description: "Not modified", headers: successHeaders(hasSession, true, method) } }),
        ...refusals.of(codes),
      },
    };
  };
  const paths = Object.entries(document.paths ?? {}).map(([path, routes]) => [
    prefix + path,
    Object.fromEntries(Object.entries(routes).map(([method, route]) => [method, describe(method, path, route)])),
  ]);
  const described = { ...(Object.fromEntries(paths) as object), ...more?.(refusals) };
  if (unused.size > 0) throw new Error(`no route is ${[...unused].join(", ")}`);
  const { schemas, parameters } = document.components ?? {};
  return withNulls({
    ...document,
    servers: [{ url: "/", description: "This deployment" }],
    security: secured,
    tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
    paths: described,
    components: {
      schemas,
      parameters: { ...parameters, ...(hasSession && COMPONENTS.parameters) },
      responses: refusals.components,
      headers: hasSession ? COMPONENTS.headers : { RetryAfter: COMPONENTS.headers.RetryAfter },
      securitySchemes: Object.fromEntries(schemes.map((scheme) => [scheme, COMPONENTS.securitySchemes[scheme]])),
    },
  });
}

type Nullable = { allOf: [{ $ref: string }, { type: [string, "null"] }] };

/**
 * Lets null be valid where a schema that has a name may be null. The generator writes that as "all of the named schema, which
 * takes no null, and a type that does", which nothing satisfies.
 */
function withNulls<T>(value: T): T {
  if (Array.isArray(value)) return value.map(withNulls) as T;
  if (typeof value !== "object" || value === null) return value;
  if (isNullable(value)) {
    const [named, { type: _, ...more }] = value.allOf;
    return { anyOf: [named, { type: "null" }], ...more } as T;
  }
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, withNulls(each) as unknown])) as T;
}

const isNullable = (value: object): value is Nullable =>
  "allOf" in value &&
  Array.isArray(value.allOf) &&
  value.allOf.length === 2 &&
  "$ref" in (value.allOf[0] as object) &&
  Array.isArray((value.allOf[1] as { type?: unknown }).type) &&
  (value.allOf[1] as { type: string[] }).type.includes("null");

function successHeaders(hasSession: boolean, isCached: boolean, method: string): object {
  const header = (name: string) => ({ $ref: `#/components/headers/${name}` });
  return {
    ...(hasSession && { "Consistency-Token": header("ConsistencyToken") }),
    ...(isCached && { ETag: header("ETag") }),
    ...(hasSession &&
      method !== "get" &&
      method !== "options" && {
        RateLimit: header("RateLimit"),
        "RateLimit-Policy": header("RateLimitPolicy"),
      }),
  };
}
