import { useLocation } from "preact-iso";
import type { ComponentChildren } from "preact";
import { feed } from "../../state/lists.ts";
import { me, session, unread } from "../../state/session.ts";
import { counted } from "../../words/counts.ts";
import { Icon, type IconName } from "../common/icon.tsx";
import { Portrait } from "../people/portrait.tsx";
import { ThemeToggle } from "./theme-toggle.tsx";
import { Wordmark } from "./wordmark.tsx";

export function Header() {
  const { path } = useLocation();
  const home = () => {
    if (path !== "/" || !me.value) return;
    // Already home: scroll back to the newest posts.
    scrollTo({ top: 0 });
    void feed().refresh();
  };
  return (
    <header class="header">
      <a class="skip" href="#main">
        Skip to content
      </a>
      <a class="home" href="/" onClick={home}>
        <Wordmark />
      </a>
      <div class="header-end">
        {me.value && <Navigation home={home} />}
        <ThemeToggle />
        {session.value.state === "out" && (
          <>
            <a class="button button-plain" href="/sign-in">
              Sign in
            </a>
            <a class="button button-main" href="/sign-up">
              Join
            </a>
          </>
        )}
      </div>
    </header>
  );
}

/** The main navigation: in the header on a wide screen, at the bottom of a narrow one. */
function Navigation({ home }: { home: () => void }) {
  const person = me.value;
  const unreadCount = unread.value;
  if (!person) return null;
  return (
    <nav class="navigation" aria-label="Main">
      <Place href="/" icon="home" label="Home" onClick={home} />
      <Place href="/people" icon="people" label="Find people" />
      <Place href="/new" icon="plus" label="New post" />
      <Place
        href="/notifications"
        icon="bell"
        label={unreadCount > 0 ? `Notifications, ${counted(unreadCount, "unread", "unread")}` : "Notifications"}
      >
        {unreadCount > 0 && (
          <span class="badge" aria-hidden="true">
            {unreadCount > 99 ? "99+" : unreadCount}
          </span>
        )}
      </Place>
      {person.role !== "none" && <Place href="/moderation" icon="flag" label="Moderation" />}
      <Place href={`/people/${person.handle}`} label="Your profile">
        <Portrait person={person} />
      </Place>
    </nav>
  );
}

type PlaceProps = { href: string; label: string; icon?: IconName; onClick?: () => void; children?: ComponentChildren };

function Place({ href, label, icon, onClick, children }: PlaceProps) {
  const here = useLocation().path === href;
  return (
    <a
      class="place"
      href={href}
      aria-label={label}
      title={label}
      aria-current={here ? "page" : false}
      onClick={onClick}
    >
      {icon && <Icon name={icon} filled={here && icon !== "plus"} />}
      {children}
    </a>
  );
}
