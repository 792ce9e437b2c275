/**
 * scrypt (RFC 7914) in slices. The runtime's own holds its thread for 150 ms or more, in which nobody else's request goes
 * on; this one takes several times as long, and lets others go first every 2 ms.
 */
import { pbkdf2Sync } from "node:crypto";

/** `N` is a power of two. Takes 128 * N * r bytes of memory. */
export type ScryptCost = { N: number; r: number; p: number };

/** Words of 32 bits in a block of Salsa20. */
const SALSA = 16;
/** How many Salsa20 cores run in one slice: about 2 ms. With slices of 8 ms, requests beside it took twice as long. */
const SLICE = 8_192;

/** Derives `bytes` bytes. Returns the same as node:crypto's scrypt. */
export async function scryptInSlices(
  password: string,
  salt: Uint8Array,
  bytes: number,
  { N, r, p }: ScryptCost,
): Promise<Buffer> {
  const words = 32 * r;
  const expanded = pbkdf2Sync(password, salt, 1, 4 * words * p, "sha256");
  const blocks = wordsOf(expanded);
  const memory = new Uint32Array(words * N);
  for (let block = 0; block < p; block += 1) {
    await mix(blocks.subarray(block * words, (block + 1) * words), memory, N, r);
  }
  return pbkdf2Sync(password, bytesOf(blocks), 1, bytes, "sha256");
}

/** Words are little-endian in RFC 7914, whatever the machine's order. */
function wordsOf(bytes: Buffer): Uint32Array {
  return Uint32Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readUInt32LE(4 * index));
}

function bytesOf(words: Uint32Array): Buffer {
  const bytes = Buffer.alloc(4 * words.length);
  for (const [index, word] of words.entries()) bytes.writeUInt32LE(word, 4 * index);
  return bytes;
}

/** Replaces `block` by its scryptROMix. */
async function mix(block: Uint32Array, memory: Uint32Array, N: number, r: number): Promise<void> {
  const words = block.length;
  const perSlice = Math.max(1, Math.floor(SLICE / (2 * r)));
  memory.set(block);
  for (let step = 0; step < N; step += 1) {
    if (step % perSlice === 0) await othersFirst();
    if (step < N - 1) mixBlock(memory, step * words, memory, (step + 1) * words, r);
    else mixBlock(memory, step * words, block, 0, r);
  }
  const mixed = new Uint32Array(words);
  for (let step = 0; step < N; step += 1) {
    if (step % perSlice === 0) await othersFirst();
    const from = ((block[words - SALSA] ?? 0) & (N - 1)) * words;
    for (let word = 0; word < words; word += 1) mixed[word] = at(block, word) ^ at(memory, from + word);
    mixBlock(mixed, 0, block, 0, r);
  }
}

const othersFirst = (): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, 0);
  });

/** Every index is within its array. */
const at = (words: Uint32Array, index: number): number => words[index] as number;

/** scryptBlockMix from `input` at `from` to `output` at `to`. They must not overlap. */
function mixBlock(input: Uint32Array, from: number, output: Uint32Array, to: number, r: number): void {
  const second = to + SALSA * r;
  // The last block of the input is mixed into the first one; its copy in `output` is overwritten when it is needed no more.
  for (let word = 0; word < SALSA; word += 1) output[second + word] = at(input, from + (2 * r - 1) * SALSA + word);
  let [even, odd] = [to, second];
  for (let pair = 0; pair < r; pair += 1) {
    salsa(output, odd, input, from + 2 * pair * SALSA, output, even);
    if (pair > 0) odd += SALSA;
    salsa(output, even, input, from + (2 * pair + 1) * SALSA, output, odd);
    even += SALSA;
  }
}

/** Writes Salsa20/8 of the exclusive or of two blocks. Local variables are several times as fast as an array. */
function salsa(a: Uint32Array, ai: number, b: Uint32Array, bi: number, output: Uint32Array, to: number): void {
  const y0 = at(a, ai) ^ at(b, bi);
  const y1 = at(a, ai + 1) ^ at(b, bi + 1);
  const y2 = at(a, ai + 2) ^ at(b, bi + 2);
  const y3 = at(a, ai + 3) ^ at(b, bi + 3);
  const y4 = at(a, ai + 4) ^ at(b, bi + 4);
  const y5 = at(a, ai + 5) ^ at(b, bi + 5);
  const y6 = at(a, ai + 6) ^ at(b, bi + 6);
  const y7 = at(a, ai + 7) ^ at(b, bi + 7);
  const y8 = at(a, ai + 8) ^ at(b, bi + 8);
  const y9 = at(a, ai + 9) ^ at(b, bi + 9);
  const y10 = at(a, ai + 10) ^ at(b, bi + 10);
  const y11 = at(a, ai + 11) ^ at(b, bi + 11);
  const y12 = at(a, ai + 12) ^ at(b, bi + 12);
  const y13 = at(a, ai + 13) ^ at(b, bi + 13);
  const y14 = at(a, ai + 14) ^ at(b, bi + 14);
  const y15 = at(a, ai + 15) ^ at(b, bi + 15);
  let x0 = y0;
  let x1 = y1;
  let x2 = y2;
  let x3 = y3;
  let x4 = y4;
  let x5 = y5;
  let x6 = y6;
  let x7 = y7;
  let x8 = y8;
  let x9 = y9;
  let x10 = y10;
  let x11 = y11;
  let x12 = y12;
  let x13 = y13;
  let x14 = y14;
  let x15 = y15;
  for (let round = 0; round < 4; round += 1) {
    x4 ^= rotated((x0 + x12) | 0, 7);
    x8 ^= rotated((x4 + x0) | 0, 9);
    x12 ^= rotated((x8 + x4) | 0, 13);
    x0 ^= rotated((x12 + x8) | 0, 18);
    x9 ^= rotated((x5 + x1) | 0, 7);
    x13 ^= rotated((x9 + x5) | 0, 9);
    x1 ^= rotated((x13 + x9) | 0, 13);
    x5 ^= rotated((x1 + x13) | 0, 18);
    x14 ^= rotated((x10 + x6) | 0, 7);
    x2 ^= rotated((x14 + x10) | 0, 9);
    x6 ^= rotated((x2 + x14) | 0, 13);
    x10 ^= rotated((x6 + x2) | 0, 18);
    x3 ^= rotated((x15 + x11) | 0, 7);
    x7 ^= rotated((x3 + x15) | 0, 9);
    x11 ^= rotated((x7 + x3) | 0, 13);
    x15 ^= rotated((x11 + x7) | 0, 18);
    x1 ^= rotated((x0 + x3) | 0, 7);
    x2 ^= rotated((x1 + x0) | 0, 9);
    x3 ^= rotated((x2 + x1) | 0, 13);
    x0 ^= rotated((x3 + x2) | 0, 18);
    x6 ^= rotated((x5 + x4) | 0, 7);
    x7 ^= rotated((x6 + x5) | 0, 9);
    x4 ^= rotated((x7 + x6) | 0, 13);
    x5 ^= rotated((x4 + x7) | 0, 18);
    x11 ^= rotated((x10 + x9) | 0, 7);
    x8 ^= rotated((x11 + x10) | 0, 9);
    x9 ^= rotated((x8 + x11) | 0, 13);
    x10 ^= rotated((x9 + x8) | 0, 18);
    x12 ^= rotated((x15 + x14) | 0, 7);
    x13 ^= rotated((x12 + x15) | 0, 9);
    x14 ^= rotated((x13 + x12) | 0, 13);
    x15 ^= rotated((x14 + x13) | 0, 18);
  }
  output[to] = (y0 + x0) | 0;
  output[to + 1] = (y1 + x1) | 0;
  output[to + 2] = (y2 + x2) | 0;
  output[to + 3] = (y3 + x3) | 0;
  output[to + 4] = (y4 + x4) | 0;
  output[to + 5] = (y5 + x5) | 0;
  output[to + 6] = (y6 + x6) | 0;
  output[to + 7] = (y7 + x7) | 0;
  output[to + 8] = (y8 + x8) | 0;
  output[to + 9] = (y9 + x9) | 0;
  output[to + 10] = (y10 + x10) | 0;
  output[to + 11] = (y11 + x11) | 0;
  output[to + 12] = (y12 + x12) | 0;
  output[to + 13] = (y13 + x13) | 0;
  output[to + 14] = (y14 + x14) | 0;
  output[to + 15] = (y15 + x15) | 0;
}

const rotated = (word: number, by: number): number => (word << by) | (word >>> (32 - by));
