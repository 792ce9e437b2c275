/**
 * Returns the path to go on to after signing in. A crafted link must not lead to another site, so anything that is no
 * path of this one becomes "/".
 */
export function ownPath(path: string | undefined, origin: string): string {
  if (!path?.startsWith("/") || !URL.canParse(path, origin)) return "/";
  const url = new URL(path, origin);
  // Dots are resolved by now: "/..//x" has become "//x", which is the address of another site.
  return url.origin === origin && !url.pathname.startsWith("//") ? url.pathname + url.search : "/";
}
