import { createServer } from "node:net";
import { StartError } from "./start-error.ts";

/** What a browser tries for `localhost`, the first before the second. */
const LOCALHOST = ["::1", "127.0.0.1"];
const COMMAND = process.env["npm_lifecycle_event"] === "dev" ? "npm run dev" : "npm start";

/** Asked before anything slow is done. Another server on one half of `localhost` would answer half of the requests. */
export async function refuseTakenPort(host: string, port: number): Promise<void> {
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
    return `Port ${port} is taken by another program.\nStop that one, or choose another port: ${otherPort(port + 1)}`;
  }
  if (reason === "EACCES") return `Port ${port} is not for this user.\nChoose another one: ${otherPort(8787)}`;
  return `${host} is not an address of this machine (${reason}).\nChoose another one by --host.`;
}

/** The code of the error, or undefined where listening is possible. */
const listenError = (host: string, port: number) =>
  new Promise<string | undefined>((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
