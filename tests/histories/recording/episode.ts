/**
 * An episode: a few people with several devices each write to a few new posts while the server is killed and paused.
 * Once all is quiet, it records the state of the actors and checks that D1 catches up with it. New posts for each
 * episode keep a history small.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { MediaId } from "../../../schema/ids.ts";
import { type Api, listAll } from "../../../scripts/api-client.ts";
import { tokenKeyIn } from "../../../scripts/local-server/database-files.ts";
import { readPhotograph } from "../../../scripts/seed/seed.ts";
import { eventually } from "../../product/harness/eventually.ts";
import type { Product } from "../../product/harness/product.ts";
import { Client } from "./client.ts";
import type { Finding, History, Recorded } from "./history.ts";
import { type Fault, type Size, stepsOf } from "./plan.ts";

const PASSWORD = "correct horse battery";
/** How long, in ms, clients go on after the last fault, so that writes follow it too. */
const AFTERWARDS = 700;
/** In ms. What a kill has interrupted is sent again after 10 s, then 20. */
const CAUGHT_UP_WITHIN = 45_000;

/** `unknown`: how many requests ended without a response, by reason. `caughtUp`: the ms that D1 took to catch up. */
export type Episode = { history: History; unknown: Map<string, number>; caughtUp: number; notCaughtUp: Finding[] };

/** An author and the people who like and comment on their posts. Lasts for several episodes. */
export class Community {
  readonly #product: Product;
  readonly #size: Size;
  readonly #author: Api;
  readonly #people: Map<string, Api>;
  readonly #picture: MediaId;

  private constructor(product: Product, size: Size, author: Api, people: Map<string, Api>, picture: MediaId) {
    this.#product = product;
    this.#size = size;
    this.#author = author;
    this.#people = people;
    this.#picture = picture;
  }

  /** Signs everybody up, and uploads the picture that all posts show. */
  static async gather(product: Product, size: Size): Promise<Community> {
    const join = async (handle: string): Promise<[string, Api]> => {
      return [handle, product.api.as(await product.api.signUp({ handle, password: PASSWORD }))];
    };
    const [, author] = await join("author");
    const handles = Array.from({ length: size.people }, (_, index) => `person_${index}`);
    const people = new Map(await Promise.all(handles.map(join)));
    const { id } = await author.upload(readPhotograph("nagasaki-boats"));
    await author.untilInspected(id);
    return new Community(product, size, author, people, id);
  }

  /** Runs an episode with these faults. The seed decides the steps of every client. */
  async live(seed: number, faults: Fault[]): Promise<Episode> {
    const posts = await this.#publish();
    const clients = this.#clients(posts.map(({ id }) => id));
    const writing = Promise.all(clients.map((client, index) => client.take(stepsOf(seed, index, this.#size))));
    const faulting = this.#inject(faults).finally(() => clients.forEach((client) => client.stop()));
    // Waits for both even if one fails: the server must not be stopped while it is being started.
    for (const ended of await Promise.allSettled([faulting, writing])) {
      if (ended.status === "rejected") throw ended.reason;
    }
    // One device of each person is enough: all of them see the same.
    const devices = clients.filter((_, index) => index % this.#size.devices === 0);
    await Promise.all(devices.map((client) => client.observe()));

    const operations = clients.flatMap((client) => client.operations).sort((a, b) => a.invoke - b.invoke);
    const history = { posts, people: [...this.#people.keys()], operations };
    return { history, unknown: summed(clients), ...(await this.#catchUp(history)) };
  }

  async #publish(): Promise<History["posts"]> {
    const posts: History["posts"] = [];
    for (let index = 0; index < this.#size.posts; index += 1) {
      const { id, seq } = await this.#author.publish({ caption: `${index}`, media: [{ id: this.#picture }] });
      posts.push({ id, seq });
    }
    return posts;
  }

  #clients(posts: string[]): Client[] {
    const { address, state } = this.#product;
    const tokenKey = tokenKeyIn(state);
    return [...this.#people.values()].flatMap((api, person) =>
      Array.from({ length: this.#size.devices }, (_, device) => {
        const client = person * this.#size.devices + device;
        return new Client({ address, session: api.token ?? "", tokenKey, client, person, posts });
      }),
    );
  }

  async #inject(faults: Fault[]): Promise<void> {
    for (const fault of faults) {
      await sleep(fault.after);
      if (fault.kind === "pause") await this.#product.pause(fault.lasts);
      else if (fault.kind === "act") await fault.act();
      else {
        await this.#product.kill();
        await this.#product.restart();
      }
    }
    await sleep(AFTERWARDS);
  }

  /** Waits until D1 shows everybody what the actors hold (I3). */
  async #catchUp({ posts, operations }: History): Promise<Pick<Episode, "caughtUp" | "notCaughtUp">> {
    let notCaughtUp: Finding[] = [];
    const expectCaughtUp = async () => {
      notCaughtUp = [];
      for (const { id: post } of posts) {
        const held = heldBy(operations, post);
        const { likes, comments, seq } = await this.#author.post(post);
        const list = await listAll((page) => this.#author.comments(post, page));
        const shown = JSON.stringify({ likes, comments, seq, ids: list.map(({ id }) => id) });
        if (shown !== held) notCaughtUp.push({ post, what: `D1 shows ${shown}, but the actor holds ${held}` });
      }
      if (notCaughtUp.length > 0) throw new Error("D1 is behind");
    };
    const caughtUp = await eventually(expectCaughtUp, CAUGHT_UP_WITHIN).catch(() => CAUGHT_UP_WITHIN);
    return { caughtUp, notCaughtUp };
  }
}

/** Returns the state in the last reads of a post, which are served by its actor. */
function heldBy(operations: Recorded[], post: string): string {
  const read = operations.findLast((operation) => operation.f === "read" && operation.post === post);
  const list = operations.findLast((operation) => operation.f === "list" && operation.post === post);
  if (read?.f !== "read" || list?.f !== "list") throw new Error(`nobody has read ${post} at the end`);
  const { likes, comments, seq } = read.answer;
  return JSON.stringify({ likes, comments, seq, ids: list.answer.map(({ id }) => id) });
}

function summed(clients: Client[]): Map<string, number> {
  const sum = new Map<string, number>();
  for (const { unknown } of clients) for (const [why, count] of unknown) sum.set(why, (sum.get(why) ?? 0) + count);
  return sum;
}
