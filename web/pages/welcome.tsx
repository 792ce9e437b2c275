import prints from "../assets/prints.svg";
import { useTitle } from "../components/frame/title.ts";

export function WelcomePage() {
  useTitle();
  return (
    <div class="welcome">
      <h1>
        A quiet place
        <br /> for photographs
      </h1>
      <p class="lead">
        Follow people whose photos you like, and share your own. Newest first, nothing in between, every photo in full.
      </p>
      <p class="buttons">
        <a class="button button-main button-big" href="/sign-up">
          Join Shutterline
        </a>
        <a class="button button-big" href="/sign-in">
          Sign in
        </a>
      </p>
      <img class="prints" src={prints} alt="" width={920} height={430} />
    </div>
  );
}
