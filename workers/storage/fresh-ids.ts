const TRIES = 5;

/**
 * Runs `write`, which makes its ids anew each time it is called, until none of them is taken. Two ids of one shard and
 * one millisecond collide once in 1024 times, so a person who does two things at once would meet it; a D1 batch rolls
 * back whole, so nothing of a failed try is left. Any other error is passed on.
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
