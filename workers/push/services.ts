/**
 * Which servers we send to at all. People say where their browser takes pushes, and a Worker cannot look behind a name, so
 * only a list keeps them from having us ask servers of somebody else. An entry means the host and its subdomains.
 */
const SERVICES = [
  "fcm.googleapis.com", // Chrome, Edge on Android, Samsung Internet, Opera
  "jmt17.google.com", // Chromium without Google's keys
  "push.services.mozilla.com", // Firefox
  "push.apple.com", // Safari
  "notify.windows.com", // Edge on Windows
];

/**
 * Whether this is an address of a push service that we know, or that the operator has named in PUSH_HOSTS. Over HTTPS on its
 * own port; anything else only for an origin that is named there whole, and plain HTTP only on this machine.
 */
export function isPushService(env: Env, endpoint: string): boolean {
  if (!URL.canParse(endpoint)) return false;
  const { protocol, origin, hostname, port, username, password } = new URL(endpoint);
  if (username !== "" || password !== "") return false;
  const named = env.PUSH_HOSTS.split(/\s+/).filter((entry) => entry !== "");
  if (named.includes(origin)) return protocol === "https:" || (protocol === "http:" && hostname === "localhost");
  const hosts = [...SERVICES, ...named];
  return (
    protocol === "https:" && port === "" && hosts.some((host) => hostname === host || hostname.endsWith(`.${host}`))
  );
}
