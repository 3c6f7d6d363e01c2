/**
 * What a decoder must know about a video, and what all parts of a video must share. The fields have ffprobe's names.
 */
export interface VideoCoding {
  /** `h264`. */
  readonly codec_name: string;
  /** `High`. */
  readonly profile: string;
  /** In pixels. */
  readonly width: string;
  /** In pixels. */
  readonly height: string;
  /** Layout of the pixels: `yuv420p`. */
  readonly pix_fmt: string;
  /** `tv` or `pc`. */
  readonly color_range: string;
  /** The matrix between RGB and YUV: `bt709`. */
  readonly color_space: string;
  /** `bt709`. */
  readonly color_primaries: string;
  /** The transfer curve: `bt709`. */
  readonly color_transfer: string;
  /** A hash of the codec's header. */
  readonly extradata_hash: string;
}
type CodingField = keyof VideoCoding;

/** The fields that are compared, with their names in messages. */
const FIELDS: Readonly<Record<CodingField, string>> = {
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
};

export const CODING_FIELDS = Object.keys(FIELDS) as CodingField[];

/** Takes the coding from the fields that ffprobe prints about a stream. */
export function codingOf(fields: ReadonlyMap<string, string>): VideoCoding {
  const entries = CODING_FIELDS.map((name) => [name, fields.get(name) ?? 'unknown']);
  return Object.fromEntries(entries) as VideoCoding;
}

/** Lists the differences that keep two videos from being joined: `pixel format yuv444p instead of yuv420p`. */
export function codingDifferences(one: VideoCoding, other: VideoCoding): string[] {
  const differing = CODING_FIELDS.filter((name) => one[name] !== other[name]);
  return differing.map((name) => `${FIELDS[name]} ${short(other[name])} instead of ${short(one[name])}`);
}

/** Shortens a hash to its beginning, which is enough to tell it from another one. */
function short(value: string): string {
  return value.replace(/^(sha256:.{12}).*$/i, '$1…');
}
