/** The AsyncAPI document of the live socket, whose messages OpenAPI cannot describe. */
import { z } from "@hono/zod-openapi";
import { LiveCommand, LiveFrame } from "../../../schema/api/live.ts";
import { COMPONENTS } from "./components.ts";

/** The examples are checked against their schemas in a test. */
const COMMANDS = [
  { name: "watch", payload: { watch: [{ post: "01m3qk7vt4xe9", since: 97 }] } },
  { name: "unwatch", payload: { unwatch: ["01m3qk7vt4xe9"] } },
];
const FRAMES = [
  {
    name: "post",
    payload: {
      topic: "post",
      post: "01m3qk7vt4xe9",
      from: 97,
      seq: 98,
      likes: 42,
      comments: 3,
      commentPolicy: "everyone",
      pinned: null,
      changed: [],
      gone: [],
      reread: false,
      deleted: false,
    },
  },
  { name: "me", payload: { topic: "me" } },
];

const schemaOf = (schema: z.ZodType): object => {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  return rest;
};

/** A socket may also be opened without either, and then shows what visitors see. */
const SECURITY = [{ $ref: "#/components/securitySchemes/session" }, { $ref: "#/components/securitySchemes/token" }];
const { session, token } = COMPONENTS.securitySchemes;

/** Returns the document. */
export const asyncApi = (): object => ({
  asyncapi: "3.0.0",
  info: {
    title: "Shutterline live",
    version: "1",
    description:
      "One WebSocket for what changes while somebody watches. Opening it is in the OpenAPI document: `GET /v1/live`. A client " +
      "may also send the text `ping`, and gets `pong`.",
    license: { name: "Apache 2.0", url: "https://www.apache.org/licenses/LICENSE-2.0" },
  },
  defaultContentType: "application/json",
  channels: {
    live: {
      address: "/v1/live",
      description: "The socket",
      messages: {
        command: {
          name: "LiveCommand",
          summary: "What to watch",
          payload: schemaOf(LiveCommand),
          examples: COMMANDS,
        },
        frame: {
          name: "LiveFrame",
          summary: "What has changed",
          payload: schemaOf(LiveFrame),
          examples: FRAMES,
        },
      },
    },
  },
  operations: {
    sendCommand: {
      action: "receive",
      summary: "Choose the posts to watch",
      channel: { $ref: "#/channels/live" },
      security: SECURITY,
      messages: [{ $ref: "#/channels/live/messages/command" }],
    },
    receiveFrame: {
      action: "send",
      summary: "Learn of changes",
      channel: { $ref: "#/channels/live" },
      security: SECURITY,
      messages: [{ $ref: "#/channels/live/messages/frame" }],
    },
  },
  components: { securitySchemes: { session: { ...session, type: "httpApiKey" }, token } },
});
