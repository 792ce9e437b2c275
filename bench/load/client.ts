/** A lightweight HTTP client. `fetch` would use several times the CPU, which the load shares with the server. */
import { type Agent, type IncomingHttpHeaders, request } from "node:http";

export type Request = {
  method: "GET" | "PUT" | "DELETE" | "POST";
  path: string;
  headers?: Record<string, string>;
  /** Bytes are sent as they are, and anything else as JSON. */
  body?: object | Uint8Array;
  /** The status that the response must have (200 by default), and a text that its body must contain. */
  expects?: { status?: number; text?: string };
};

/** Sends the request, and returns the body of the response. Rejects if the response is not as expected. */
export const fetchText = async (request: Request, port: number, agent: Agent): Promise<string> =>
  (await fetchResponse(request, port, agent)).text;

/** Like `fetchText`, but returns the headers of the response too. */
export function fetchResponse(
  { method, path, headers, body, expects }: Request,
  port: number,
  agent: Agent,
): Promise<{ text: string; headers: IncomingHttpHeaders }> {
  return new Promise((resolve, reject) => {
    const bytes = body instanceof Uint8Array ? body : body && Buffer.from(JSON.stringify(body));
    const type = bytes && {
      "content-type": bytes === body ? "application/octet-stream" : "application/json",
      "content-length": bytes.length,
    };
    const sent = request(
      { agent, host: "127.0.0.1", port, method, path, headers: { ...headers, ...type } },
      (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => (text += chunk));
        response.on("error", reject);
        response.on("end", () => {
          if (response.statusCode === (expects?.status ?? 200) && text.includes(expects?.text ?? ""))
            resolve({ text, headers: response.headers });
          else reject(new Error(`${method} ${path}: ${response.statusCode} ${text.slice(0, 200)}`));
        });
      },
    );
    sent.on("error", reject);
    sent.end(bytes);
  });
}
