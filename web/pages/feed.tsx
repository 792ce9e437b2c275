import { Paged } from "../components/paged.tsx";
import { PostCard } from "../components/post-card.tsx";
import { Empty, PostSkeleton } from "../components/states.tsx";
import { feed } from "../lists.ts";
import { useTitle } from "../title.ts";

const waiting = (
  <>
    <PostSkeleton />
    <PostSkeleton />
  </>
);

const empty = (
  <Empty icon="people" title="Your feed is empty">
    <p>Follow a few people to see their posts here, newest first.</p>
    <p class="buttons">
      <a class="button button-main" href="/people">
        Find people
      </a>
      <a class="button" href="/new">
        Post a photo or video
      </a>
    </p>
  </Empty>
);

export function FeedPage() {
  useTitle();
  return (
    <div class="feed">
      <h1 class="unseen">Your feed</h1>
      <Paged list={feed()} waiting={waiting} empty={empty}>
        {(posts) => posts.map((post, place) => <PostCard key={post.peek().id} post={post} eager={place === 0} />)}
      </Paged>
    </div>
  );
}
