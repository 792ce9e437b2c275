/** A safety bound: how often one request may ask for more because what it found was not to be shown. */
const ROUNDS_MAX = 5;

/**
 * A page of `limit` shown items, read in order from `after` on. What is not shown is made up for, so that a page is full
 * unless the list ends. `read` gives at most `count` rows behind a key; `show` gives the items of the rows that are to be
 * shown, by what `itemKey` says of them. `next` is the key to go on from; absent at the end of the list.
 */
export async function fullPage<Key, ItemKey, Row, Item>({
  after,
  limit,
  read,
  keyOf,
  itemKey,
  show,
}: {
  after: Key | undefined;
  limit: number;
  read: (after: Key | undefined, count: number) => Promise<Row[]>;
  keyOf: (row: Row) => Key;
  itemKey: (row: Row) => ItemKey;
  show: (rows: Row[]) => Promise<Map<ItemKey, Item>>;
}): Promise<{ items: Item[]; next?: Key }> {
  const items: Item[] = [];
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const wanted = limit - items.length;
    const rows = await read(after, wanted + 1); // One more tells whether the list goes on.
    const page = rows.slice(0, wanted);
    const shown = await show(page);
    for (const row of page) {
      const item = shown.get(itemKey(row));
      if (item !== undefined) items.push(item);
    }
    const last = page.at(-1);
    if (rows.length <= wanted || last === undefined) return { items };
    after = keyOf(last);
    if (items.length === limit) break;
  }
  return after === undefined ? { items } : { items, next: after };
}
