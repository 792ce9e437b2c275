/** One request over HTTP. `fetch` would take several times as much of the processor that it shares with the server. */
import { type Agent, request } from "node:http";

export type Request = {
  method: "GET" | "PUT" | "DELETE" | "POST";
  path: string;
  headers?: Record<string, string>;
  body?: object;
  /** Of an answer that counts: its status, and a part of its text. */
  expects?: { status?: number; text?: string };
};

/** The text of the answer. Rejects when it is not as expected. */
export function answerTo(
  { method, path, headers, body, expects }: Request,
  port: number,
  agent: Agent,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const type = body && { "content-type": "application/json" };
    const sent = request(
      { agent, host: "127.0.0.1", port, method, path, headers: { ...headers, ...type } },
      (answer) => {
        let text = "";
        answer.setEncoding("utf8");
        answer.on("data", (chunk: string) => (text += chunk));
        answer.on("error", reject);
        answer.on("end", () => {
          if (answer.statusCode === (expects?.status ?? 200) && text.includes(expects?.text ?? "")) resolve(text);
          else reject(new Error(`${method} ${path}: ${answer.statusCode} ${text.slice(0, 200)}`));
        });
      },
    );
    sent.on("error", reject);
    sent.end(body && JSON.stringify(body));
  });
}
