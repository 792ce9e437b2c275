/**
 * Identifiers: 64 bits, written as 13 characters of lower-case Crockford base32, so that text order is time order.
 *
 *     41 bits  milliseconds since 2026-01-01T00:00:00Z (until 2095)
 *     13 bits  logical shard, which says where the row is stored
 *     10 bits  random, to keep ids of the same millisecond and shard apart; a collision is retried, never reported
 *
 * The layout is Instagram's: https://instagram-engineering.com/sharding-ids-at-instagram-1cf5a71e5a5c
 */
import { z } from "@hono/zod-openapi";

export const EPOCH = Date.UTC(2026, 0, 1);
export const LOGICAL_SHARDS = 2 ** 13;
export const ID_LENGTH = 13;

const RANDOM_BITS = 10n;
const SHARD_BITS = 13n;
/** Crockford's digits in order of their values, which is also their order as text. */
export const DIGITS = "0123456789abcdefghjkmnpqrstvwxyz";
// 13 characters carry 65 bits, so the first never reaches 16 ("g").
const PATTERN = /^[0-9a-f][0-9a-hjkmnp-tv-z]{12}$/;

type Branded<Kind extends string> = string & { readonly __id: Kind };
export type PersonId = Branded<"person">;
export type SessionId = Branded<"session">;
export type MediaId = Branded<"media">;
export type PostId = Branded<"post">;
export type CommentId = Branded<"comment">;
export type EffectId = Branded<"effect">;
export type LogId = Branded<"log">;
export type Id = PersonId | SessionId | MediaId | PostId | CommentId | EffectId | LogId;

/** Creates an id in `shard` (0 to 8191) with the given `time` (ms since 1970; times before 2026 count as 2026). */
export function newId<T extends Id>(shard: number, time = Date.now(), random = randomBits()): T {
  const elapsed = BigInt(Math.max(0, time - EPOCH));
  return encode((elapsed << (SHARD_BITS + RANDOM_BITS)) | (BigInt(shard) << RANDOM_BITS) | BigInt(random)) as T;
}

/** Sorts after every id, because ids begin with a hexadecimal digit. */
export const AFTER_EVERY_ID = "g";

/** Stands for a person whose account is closed, where a row must stay. No person ever gets this id. */
export const NOBODY = "0000000000000" as PersonId;

export const isId = (text: string): boolean => PATTERN.test(text);

/**
 * Returns the logical shard of an id, 0 to 8191: bits 10 to 22, in the ninth to eleventh character. It is called many
 * times per request, so it decodes no other character.
 */
export const shardOf = (id: Id): number => ((digitAt(id, 8) & 7) << 10) | (digitAt(id, 9) << 5) | digitAt(id, 10);

/** Returns when the id was created, in ms since 1970: the first eight characters and two bits of the ninth. */
export function timeOf(id: Id): number {
  let time = 0;
  for (let position = 0; position < 8; position += 1) time = time * 32 + digitAt(id, position);
  return time * 4 + (digitAt(id, 8) >> 3) + EPOCH;
}

export const randomShard = (): number => randomBits(LOGICAL_SHARDS);

const idSchema = <T extends Id>(what: string) =>
  z
    .custom<T>((value) => typeof value === "string" && isId(value), { error: "Not a valid id" })
    .openapi({ type: "string", pattern: PATTERN.source, example: "01m3qk7vt4xe9", description: `The id of a ${what}` });

export const PersonId = idSchema<PersonId>("person");
export const SessionId = idSchema<SessionId>("session");
export const MediaId = idSchema<MediaId>("media file");
export const PostId = idSchema<PostId>("post");
export const CommentId = idSchema<CommentId>("comment");
export const EffectId = idSchema<EffectId>("effect");

function encode(value: bigint): string {
  let text = "";
  for (let position = 0; position < ID_LENGTH; position += 1) {
    text = DIGITS.charAt(Number(value & 31n)) + text;
    value >>= 5n;
  }
  return text;
}

const VALUES = new Uint8Array(128);
for (let value = 0; value < DIGITS.length; value += 1) VALUES[DIGITS.charCodeAt(value)] = value;
const digitAt = (id: Id, position: number): number => VALUES[id.charCodeAt(position)] ?? 0;

function randomBits(below = 2 ** Number(RANDOM_BITS)): number {
  return (crypto.getRandomValues(new Uint16Array(1))[0] ?? 0) % below;
}
