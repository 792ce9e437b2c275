/** A push service on this machine: what it takes, it decrypts for the browsers that are subscribed there. */
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { randomUUID } from "node:crypto";
import type { PushPayload } from "../../schema/api/push.ts";
import { PushedBrowser } from "../runtime/browser.ts";

export type Arrived = { payload: PushPayload; headers: IncomingHttpHeaders; browser: PushedBrowser };

export class PushService {
  readonly arrived: Arrived[] = [];
  /** Of every request. */
  readonly asked: string[] = [];
  readonly #browsers = new Map<string, { browser: PushedBrowser; status: number }>();
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        this.asked.push(`${request.method} ${request.url}`);
        const known = this.#browsers.get(request.url ?? "");
        const status = known?.status ?? 410;
        if (known && status === 201) {
          const payload = JSON.parse(known.browser.decrypt(Buffer.concat(chunks))) as PushPayload;
          this.arrived.push({ payload, headers: request.headers, browser: known.browser });
        }
        response.writeHead(status, status === 302 ? { location: "/elsewhere" } : {}).end("Not to be read");
      });
    });
  }

  static async start(): Promise<PushService> {
    const service = new PushService();
    service.#server.listen(0, "localhost");
    await once(service.#server, "listening");
    return service;
  }

  get origin(): string {
    return `http://localhost:${(this.#server.address() as AddressInfo).port}`;
  }

  /** A browser that subscribes here. Pushes to it are answered with `status`. */
  browser(status = 201): PushedBrowser {
    const path = `/push/${randomUUID()}`;
    const browser = new PushedBrowser(this.origin + path);
    this.#browsers.set(path, { browser, status });
    return browser;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}
