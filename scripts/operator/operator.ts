/** A client of one deployment's operator API. */
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ResponseError } from "../api-client.ts";
import { adminTokenOf } from "../local-server/state.ts";
import { readServerRecord } from "../process/running.ts";
import { StartError } from "../process/start-error.ts";

/** How long, in ms, `insist` repeats a request that fails temporarily. */
const RETRIED_FOR = 60_000;
const RETRY_DELAY = 1000;

export class Operator {
  readonly #address: string;
  readonly #token: string;

  /**
   * Connects to `address` with ADMIN_TOKEN from the environment; without an address, to the local server of `state`.
   */
  constructor(address: string | undefined, state: string) {
    if (address === undefined) {
      const folder = resolve(state);
      const local = readServerRecord(folder)?.address;
      if (local === undefined)
        throw new StartError(`No server is using ${folder}. Run npm start first, or name a deployment with --address.`);
      [this.#address, this.#token] = [local, adminTokenOf(folder)];
      return;
    }
    const { ADMIN_TOKEN: token } = process.env;
    if (!token) throw new StartError("Set ADMIN_TOKEN in the environment to the deployment's token.");
    [this.#address, this.#token] = [address, token];
  }

  /** Returns the full address of a path of the web client. */
  addressOf = (path: string): string => new URL(path, this.#address).href;

  get = <T>(path: string): Promise<T> => this.#ask<T>("GET", path);
  post = <T>(path: string, body?: object): Promise<T> => this.#ask<T>("POST", path, body);

  delete = (path: string): Promise<unknown> => this.#ask("DELETE", path);

  /** Posts an idempotent request, and repeats it while the deployment or the network fails. */
  async insist<T>(path: string, body?: object): Promise<T> {
    const deadline = Date.now() + RETRIED_FOR;
    for (;;) {
      try {
        return await this.post<T>(path, body);
      } catch (error) {
        const isTemporary = error instanceof TypeError || (error instanceof ResponseError && error.status >= 500);
        if (!isTemporary || Date.now() > deadline) throw error;
        await sleep(RETRY_DELAY);
      }
    }
  }

  async #ask<T>(method: string, path: string, body?: object): Promise<T> {
    const response = await fetch(new URL(path, this.#address), {
      method,
      headers: {
        authorization: `Bearer ${this.#token}`,
        ...(body && { "content-type": "application/json" }),
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new ResponseError(`${method} ${path}`, response.status, await problemOf(response));
    return (response.status === 204 ? undefined : await response.json()) as T;
  }
}

const problemOf = (response: Response): Promise<{ code?: string; detail?: string }> =>
  response.json().catch(() => ({})) as Promise<{ code?: string; detail?: string }>;
