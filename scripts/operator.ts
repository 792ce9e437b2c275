/** The operator's HTTP API of one deployment. */
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Refused } from "./api-client.ts";
import { runningIn } from "./running.ts";
import { StartError } from "./start-error.ts";
import { adminTokenOf } from "./state.ts";

/** A request that fails for the moment is repeated for so long, in ms: none of them does anything twice. */
const REPEATED_FOR = 60_000;
const PAUSE = 1000;

export class Operator {
  readonly #address: string;
  readonly #token: string;

  /** Of the deployment at `address`, with its secret in the environment; without one, of what serves the folder `state`. */
  constructor(address: string | undefined, state: string) {
    if (address === undefined) {
      const folder = resolve(state);
      const local = runningIn(folder)?.address;
      if (local === undefined) throw new StartError(`Nothing serves ${folder}. Start it, or say --address.`);
      [this.#address, this.#token] = [local, adminTokenOf(folder)];
      return;
    }
    const { ADMIN_TOKEN: token } = process.env;
    if (!token) throw new StartError("Put the deployment's secret into the environment as ADMIN_TOKEN.");
    [this.#address, this.#token] = [address, token];
  }

  get = <T>(path: string): Promise<T> => this.#ask<T>("GET", path);
  post = <T>(path: string, body?: object): Promise<T> => this.#ask<T>("POST", path, body);

  delete = (path: string): Promise<unknown> => this.#ask("DELETE", path);

  /** As `post`, of what may be repeated: again and again while the deployment, or the way to it, is out of order. */
  async insist<T>(path: string, body?: object): Promise<T> {
    const deadline = Date.now() + REPEATED_FOR;
    for (;;) {
      try {
        return await this.post<T>(path, body);
      } catch (error) {
        const mayPass = error instanceof TypeError || (error instanceof Refused && error.status >= 500);
        if (!mayPass || Date.now() > deadline) throw error;
        await sleep(PAUSE);
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
    if (!response.ok) throw new Refused(`${method} ${path}`, response.status, await problemOf(response));
    return (response.status === 204 ? undefined : await response.json()) as T;
  }
}

const problemOf = (response: Response): Promise<{ code?: string; detail?: string }> =>
  response.json().catch(() => ({})) as Promise<{ code?: string; detail?: string }>;
