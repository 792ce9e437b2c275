const TRIES = 5;

/**
 * Runs `write`, which must draw new ids at each call, until none of them is taken; gives up after TRIES. Two ids of the
 * same shard and millisecond collide once in 1024 times, so a person who does two things at once would run into it. A
 * D1 batch rolls back as a whole, so a failed try leaves nothing behind. Any other error is thrown at once.
 */
export async function withFreshIds<T>(write: () => Promise<T>): Promise<T> {
  for (let tried = 1; ; tried += 1) {
    try {
      return await write();
    } catch (error) {
      if (tried === TRIES || !/UNIQUE constraint failed: \w+\.id\b/.test(String(error))) throw error;
    }
  }
}
