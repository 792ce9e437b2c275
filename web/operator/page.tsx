import { Icon } from "../components/common/icon.tsx";
import { ThemeToggle } from "../components/frame/theme-toggle.tsx";
import { Toasts } from "../components/frame/toasts.tsx";
import { Wordmark } from "../components/frame/wordmark.tsx";
import { DeadLetters } from "./dead-letters.tsx";
import { Overview } from "./overview.tsx";
import { Queues } from "./queues.tsx";
import { Shards } from "./shards.tsx";
import { latest, useStatus } from "./status.ts";
import { TokenForm } from "./token-form.tsx";
import { storeToken, token } from "./token.ts";

export const OperatorPage = () => (
  <>
    <header class="header">
      <a class="skip" href="#main">
        Skip to content
      </a>
      <a class="home" href="/">
        <Wordmark />
      </a>
      <div class="header-end">
        {token.value !== undefined && (
          <button class="button button-plain" type="button" onClick={() => storeToken(undefined)}>
            Sign out
          </button>
        )}
        <ThemeToggle />
      </div>
    </header>
    <main id="main" tabIndex={-1}>
      {token.value === undefined ? <TokenForm /> : <Operations />}
    </main>
    <Toasts />
  </>
);

const clock = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });

function Operations() {
  const problem = useStatus();
  const status = latest.value;
  return (
    <div class="operations">
      <div class="operations-head">
        <h1>Operations</h1>
        {status && <p class="soft">As of {clock.format(new Date(status.at))}</p>}
      </div>
      <div role="alert">
        {problem && (
          <p class="form-error operations-problem">
            <Icon name="warning" /> {problem.message} {status && "Showing the last known status."}
          </p>
        )}
      </div>
      {status && <Overview status={status} />}
      {status && <Queues queues={status.queues} windowSeconds={status.windowSeconds} />}
      <DeadLetters />
      <Shards />
    </div>
  );
}
