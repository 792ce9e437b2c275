import { Paged } from "../components/common/paged.tsx";
import { Empty, PostSkeleton } from "../components/common/states.tsx";
import { useTitle } from "../components/frame/title.ts";
import { PostCard } from "../components/posts/post-card.tsx";
import { feed } from "../state/lists.ts";

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
