import type { ComponentType, FunctionComponent } from "preact";
import { ErrorBoundary, LocationProvider, Route, Router, useLocation } from "preact-iso";
import { useEffect } from "preact/hooks";
import { type Page, PAGES } from "../schema/pages.ts";
import { Failure, OfflineBar, PostSkeleton, RowsSkeleton } from "./components/common/states.tsx";
import { Header } from "./components/frame/header.tsx";
import { Toasts } from "./components/frame/toasts.tsx";
import { SuspendedBar } from "./components/moderation/suspended-bar.tsx";
import { DecisionsPage } from "./pages/decisions.tsx";
import { FeedPage } from "./pages/feed.tsx";
import { FollowersPage, FollowingPage } from "./pages/follows.tsx";
import { LikersPage } from "./pages/likers.tsx";
import { ModerationLogPage } from "./pages/moderation/log.tsx";
import { ModerationPage } from "./pages/moderation/queue.tsx";
import { FilteredWordsPage } from "./pages/moderation/words.tsx";
import { NewPostPage } from "./pages/new-post.tsx";
import { NotFoundPage } from "./pages/not-found.tsx";
import { NotificationsPage } from "./pages/notifications.tsx";
import { PeoplePage } from "./pages/people.tsx";
import { PostPage } from "./pages/post.tsx";
import { ProfilePage } from "./pages/profile.tsx";
import { RequestsPage } from "./pages/requests.tsx";
import { RecoverPage, ResetPage } from "./pages/recover.tsx";
import { NotificationsSettings } from "./pages/settings/notifications.tsx";
import { PrivacySettings } from "./pages/settings/privacy.tsx";
import { ProfileSettings } from "./pages/settings/profile.tsx";
import { SecuritySettings } from "./pages/settings/security.tsx";
import { SignInPage } from "./pages/sign-in.tsx";
import { SignUpPage } from "./pages/sign-up.tsx";
import { WelcomePage } from "./pages/welcome.tsx";
import { YourDataPage } from "./pages/your-data.tsx";
import { session, startSession } from "./state/session.ts";

const rows = (
  <div class="column">
    <RowsSkeleton />
  </div>
);
const post = (
  <div class="feed">
    <PostSkeleton />
  </div>
);

const Home = signedIn(FeedPage, WelcomePage, post);
const People = signedIn(PeoplePage);
const Decisions = signedIn(DecisionsPage);
const Moderation = signedIn(ModerationPage);
const FilteredWords = signedIn(FilteredWordsPage);
const ModerationLog = signedIn(ModerationLogPage);
const NewPost = signedIn(NewPostPage);
const Notifications = signedIn(NotificationsPage);
const Requests = signedIn(RequestsPage);
const Profile = signedIn(ProfileSettings);
const Security = signedIn(SecuritySettings);
const NotificationChoices = signedIn(NotificationsSettings);
const Privacy = signedIn(PrivacySettings);
const YourData = signedIn(YourDataPage);

const COMPONENTS: Record<Page, FunctionComponent<{ handle: string; id: string }>> = {
  "/": Home,
  "/sign-in": SignInPage,
  "/sign-up": SignUpPage,
  "/people": People,
  "/people/:handle": ProfilePage,
  "/people/:handle/followers": FollowersPage,
  "/people/:handle/following": FollowingPage,
  "/posts/:id": PostPage,
  "/posts/:id/likes": LikersPage,
  "/new": NewPost,
  "/decisions": Decisions,
  "/moderation": Moderation,
  "/moderation/words": FilteredWords,
  "/moderation/log": ModerationLog,
  "/notifications": Notifications,
  "/requests": Requests,
  "/settings": Profile,
  "/settings/security": Security,
  "/settings/notifications": NotificationChoices,
  "/settings/privacy": Privacy,
  "/recover": RecoverPage,
  "/reset": ResetPage,
  "/your-data": YourData,
};

export const App = () => (
  <LocationProvider>
    <Header />
    <OfflineBar />
    <SuspendedBar />
    <main id="main" tabIndex={-1}>
      <ErrorBoundary>
        <Router onRouteChange={focusPage}>
          {PAGES.map((path) => (
            <Route key={path} path={path} component={COMPONENTS[path]} />
          ))}
          <Route default component={NotFoundPage} />
        </Router>
      </ErrorBoundary>
    </main>
    <Toasts />
  </LocationProvider>
);

/** `Page` for a signed-in viewer. An anonymous one gets `Otherwise`: by default, to sign in and come back. */
function signedIn(Page: ComponentType, Otherwise: ComponentType = SignInFirst, waiting = rows): FunctionComponent {
  return () => {
    const { value } = session;
    if (value.state === "in") return <Page />;
    if (value.state === "out") return <Otherwise />;
    if (value.state === "failed") return <Failure problem={value.problem} retry={() => void startSession()} />;
    return waiting;
  };
}

function SignInFirst() {
  const { path, route } = useLocation();
  useEffect(() => route(`/sign-in?then=${encodeURIComponent(path)}`, true), [path, route]);
  return null;
}

// Otherwise the focus stays on a link that is gone, and a screen reader does not announce the new page.
function focusPage(): void {
  document.getElementById("main")?.focus({ preventScroll: true });
}
