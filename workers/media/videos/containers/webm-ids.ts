/** The ids of the WebM elements that this code distinguishes (RFC 9559). */
export const ID = {
  header: 0x1a45dfa3,
  docType: 0x4282,
  segment: 0x18538067,
  seekHead: 0x114d9b74,
  info: 0x1549a966,
  timestampScale: 0x2ad7b1,
  duration: 0x4489,
  dateUtc: 0x4461,
  title: 0x7ba9,
  tracks: 0x1654ae6b,
  trackEntry: 0xae,
  trackType: 0x83,
  contentEncodings: 0x6d80,
  cluster: 0x1f43b675,
  cues: 0x1c53bb6b,
  tags: 0x1254c367,
  attachments: 0x1941a469,
  chapters: 0x1043a770,
  void: 0xec,
  checksum: 0xbf,
} as const;
/** Metadata about the whole file: tags, attachments such as covers, chapters. */
export const METADATA: ReadonlySet<number> = new Set([ID.tags, ID.attachments, ID.chapters]);
/** The elements of a segment, apart from clusters. */
export const IN_SEGMENT: ReadonlySet<number> = new Set([
  ...METADATA,
  ID.seekHead,
  ID.info,
  ID.tracks,
  ID.cues,
  ID.void,
  ID.checksum,
]);
