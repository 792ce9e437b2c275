/**
 * The push services that we send to. Clients supply the endpoint, and a Worker cannot see the address that a name
 * resolves to, so only an allow list prevents server-side request forgery. An entry covers the host and its subdomains.
 */
const SERVICES = [
  "fcm.googleapis.com", // Chrome, Edge on Android, Samsung Internet, Opera
  "jmt17.google.com", // Chromium without Google's keys
  "push.services.mozilla.com", // Firefox
  "push.apple.com", // Safari
  "notify.windows.com", // Edge on Windows
];

/**
 * Whether `endpoint` belongs to a known push service or one that the operator lists in PUSH_HOSTS. It must use HTTPS on
 * the default port. PUSH_HOSTS may list a whole origin to allow another port, or plain HTTP on localhost.
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
