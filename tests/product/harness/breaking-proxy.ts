/** A proxy to the product whose connections break after a number of bytes: for both sides, or for the client alone. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** `falls silent`: the product's side stays open, but no more bytes arrive. */
export type Break = { afterBytes: number; how: "closes" | "falls silent" };

/** Starts a proxy to `target`. Each of `breaks` in turn breaks one connection. Must be closed by the caller. */
export async function breakingProxy(target: string, breaks: Break[]) {
  const { hostname, port } = new URL(target);
  const open = new Set<Socket>();
  const broken: Break[] = [];
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    open.add(client).add(upstream);
    let carried = 0;
    const close = () => {
      client.destroy();
      upstream.destroy();
    };
    client.on("data", (bytes) => {
      upstream.write(bytes);
      carried += bytes.length;
      const [next] = breaks;
      if (!next || carried < next.afterBytes) return;
      breaks.shift();
      broken.push(next);
      if (next.how === "closes") return close();
      client.off("close", close).destroy();
    });
    upstream.on("data", (bytes) => client.write(bytes)).on("close", close);
    client.on("close", close);
    for (const socket of [client, upstream]) socket.on("error", () => undefined);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port: own } = server.address() as AddressInfo;
  return {
    address: `http://127.0.0.1:${own}`,
    /** The breaks that have happened. */
    broken,
    close: () => {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}
