import { createServer } from "node:net";
import { StartError } from "./start-error.ts";

/** The addresses that a browser tries for `localhost`, in this order. */
const LOCALHOST = ["::1", "127.0.0.1"];
const COMMAND = process.env["npm_lifecycle_event"] === "dev" ? "npm run dev" : "npm start";

/**
 * Throws a `StartError` if `port` cannot be used. It runs before any slow step. `localhost` is checked as IPv4 and
 * IPv6, because another server on either would receive some of the requests.
 */
export async function ensurePortIsFree(host: string, port: number): Promise<void> {
  if (port === 0) return;
  for (const address of LOCALHOST.includes(host) ? LOCALHOST : [host]) {
    const reason = await listenError(address, port);
    if (reason === undefined || (reason !== "EADDRINUSE" && address !== host)) continue;
    throw new StartError(message(reason, host, port));
  }
}

function message(reason: string, host: string, port: number): string {
  const otherPort = (other: number) => `${COMMAND} -- --port ${other}`;
  if (reason === "EADDRINUSE") {
    return `Port ${port} is already in use.\nStop the other program, or choose another port: ${otherPort(port + 1)}`;
  }
  if (reason === "EACCES") return `You are not allowed to use port ${port}.\nChoose another one: ${otherPort(8787)}`;
  return `${host} is not an address of this machine (${reason}).\nChoose another one with --host.`;
}

/** Tries to listen. Returns the error's code, or undefined on success. */
const listenError = (host: string, port: number) =>
  new Promise<string | undefined>((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
