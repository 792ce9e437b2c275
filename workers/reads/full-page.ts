/** A safety bound: how often one request may read on to replace rows that were not shown. */
const ROUNDS_MAX = 5;

/**
 * Returns a page of `limit` visible items after the key `after`. Reads on past rows that are not shown, so that a page
 * is full unless the list ends. `read` returns at most `count` rows after a key; `show` returns the items of the
 * visible rows by their `itemKey`. `next` is the key to continue from, absent at the end of the list.
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
    const rows = await read(after, wanted + 1); // The extra row shows whether the list continues.
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
