import type { ComponentChildren } from "preact";
import { useLocation } from "preact-iso";
import { useTitle } from "./title.ts";

type Props = { title: string; pages: readonly (readonly [path: string, name: string])[]; children: ComponentChildren };

/** The frame of pages that belong together, with links to the others. The first of them is the main one. */
export function Sections({ title, pages, children }: Props) {
  const { path } = useLocation();
  const place = pages.findIndex(([page]) => page === path);
  useTitle(place > 0 ? `${pages[place]?.[1]}, ${title.toLowerCase()}` : title);
  return (
    <>
      <h1>{title}</h1>
      <nav class="sections" aria-label={title}>
        {pages.map(([page, name]) => (
          <a key={page} href={page} aria-current={page === path ? "page" : false}>
            {name}
          </a>
        ))}
      </nav>
      {children}
    </>
  );
}
