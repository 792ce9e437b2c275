/** A push service on this machine. It decrypts the pushes to its browsers, and writes the configuration to use it. */
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { randomUUID } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PushPayload } from "../../../schema/api/push.ts";
import { ROOT, WRANGLER_CONFIG } from "../../../scripts/paths.ts";
import { PushedBrowser } from "../../runtime/push/browser.ts";

export type Arrived = { payload: PushPayload; headers: IncomingHttpHeaders; browser: PushedBrowser };

export class PushService {
  readonly arrived: Arrived[] = [];
  /** The method and path of every request. */
  readonly asked: string[] = [];
  readonly #browsers = new Map<string, { browser: PushedBrowser; status: number }>();
  readonly #server: Server;
  readonly #folder = mkdtempSync(join(tmpdir(), "shutterline-push-"));

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

  /** The path of a wrangler.toml that allows pushes to this service too. */
  get config(): string {
    const file = join(this.#folder, "wrangler.toml");
    const config = readFileSync(WRANGLER_CONFIG, "utf8")
      .replace('main = "workers', `main = "${ROOT}/workers`)
      .replace('directory = "dist', `directory = "${ROOT}/dist`)
      .replace('PUSH_HOSTS = ""', `PUSH_HOSTS = "${this.origin}"`);
    writeFileSync(file, config);
    return file;
  }

  /** Subscribes a new browser. The service responds to its pushes with `status`. */
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
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
