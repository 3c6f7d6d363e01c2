/** What a decoder must know of a video, and what all parts of one must share: by the names that ffprobe has for it. */
export type VideoCoding = Readonly<Record<CodingField, string>>;

/** The fields that are compared, with the words for people. */
const FIELDS = {
  codec_name: 'codec',
  profile: 'profile',
  width: 'width',
  height: 'height',
  pix_fmt: 'pixel format',
  color_range: 'colour range',
  color_space: 'colour matrix',
  color_primaries: 'colour primaries',
  color_transfer: 'transfer curve',
  extradata_hash: 'codec header',
} as const;
type CodingField = keyof typeof FIELDS;

export const CODING_FIELDS = Object.keys(FIELDS) as CodingField[];

/** Reads the fields from what ffprobe says of a stream, `name=value` by `name=value`. */
export function codingOf(fields: ReadonlyMap<string, string>): VideoCoding {
  const entries = CODING_FIELDS.map((name) => [name, fields.get(name) ?? 'unknown']);
  return Object.fromEntries(entries) as VideoCoding;
}

/** How two videos differ, so that they cannot be parts of one: `pixel format yuv444p instead of yuv420p`. */
export function codingDifferences(one: VideoCoding, other: VideoCoding): string[] {
  const differing = CODING_FIELDS.filter((name) => one[name] !== other[name]);
  return differing.map((name) => `${FIELDS[name]} ${short(other[name])} instead of ${short(one[name])}`);
}

/** A hash is as well told from another one by its beginning. */
function short(value: string): string {
  return value.replace(/^(sha256:.{12}).*$/i, '$1…');
}
