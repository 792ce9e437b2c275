/** Adding passkeys and signing in with them over the API, in a browser that keeps its cookies. */
import { env } from "cloudflare:workers";
import { expect } from "vitest";
import type {
  NewPasskey,
  Passkey,
  PasskeyCreationOptions,
  PasskeyList,
  PasskeyRequestOptions,
  PasskeySignIn,
} from "../../../schema/api/passkeys.ts";
import type { SignedIn } from "../../../schema/api/people.ts";
import { hashPassword } from "../../../workers/passwords/passwords.ts";
import { ask, HOST, randomHandle, type RequestOptions, signUp as signUpWith } from "../world/people.ts";
import { Authenticator, type Changes } from "./authenticator.ts";

export const PASSWORD = "correct horse battery";

/** A browser's cookies, without that of the session: tests send tokens. */
export class Browser {
  readonly #cookies = new Map<string, string>();

  get cookie(): string {
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  }

  async ask(method: string, path: string, options: RequestOptions = {}): Promise<Response> {
    const { cookie } = this;
    const response = await ask(method, path, {
      ...options,
      headers: { ...(cookie && { cookie }), ...options.headers },
    });
    for (const set of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(set) ?? [];
      if (name !== "__Host-session") this.#cookies.set(name, value);
    }
    return response;
  }

  /** Asks for the options to add a passkey. */
  async creation(token: string, more: RequestOptions = {}): Promise<PasskeyCreationOptions> {
    const response = await this.ask("POST", "/v1/me/passkeys/options", {
      token,
      body: { password: PASSWORD },
      ...more,
    });
    expect(response.status).toBe(200);
    return response.json<PasskeyCreationOptions>();
  }

  /** Asks for the options to sign in. */
  async request(more: RequestOptions = {}): Promise<PasskeyRequestOptions> {
    const response = await this.ask("POST", "/v1/sessions/passkey/options", more);
    expect(response.status).toBe(200);
    return response.json<PasskeyRequestOptions>();
  }

  add = (token: string, credential: NewPasskey["credential"], name?: string, more: RequestOptions = {}) =>
    this.ask("POST", "/v1/me/passkeys", { token, body: { credential, ...(name !== undefined && { name }) }, ...more });

  send = (body: PasskeySignIn, more: RequestOptions = {}) =>
    this.ask("POST", "/v1/sessions/passkey", { body, ...more });

  /** Signs in with a passkey, from the options to the response. */
  async signIn(passkey: Authenticator, changes: Changes = {}, more: RequestOptions = {}): Promise<Response> {
    return this.send(await passkey.get(await this.request(more), HOST, changes), more);
  }
}

export type Person = SignedIn & { handle: string };

let hash: Promise<string> | undefined;

/** Signs up a person with PASSWORD, which is hashed once for all. */
export async function signUp(): Promise<Person> {
  hash ??= hashPassword(env, PASSWORD);
  const handle = randomHandle();
  return { ...(await signUpWith(handle, await hash)), handle };
}

/** Adds a passkey, which must succeed. */
export async function addPasskey(
  browser: Browser,
  { token }: { token: string },
  passkey?: Authenticator,
): Promise<Authenticator> {
  const added = passkey ?? (await Authenticator.make());
  const response = await browser.add(token, await added.create(await browser.creation(token), HOST));
  expect(response.status).toBe(201);
  return added;
}

export async function passkeysOf(token: string): Promise<Passkey[]> {
  return (await (await ask("GET", "/v1/me/passkeys", { token })).json<PasskeyList>()).items;
}
