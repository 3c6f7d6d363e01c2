import type { Protocol } from './Connection.js';

type Blocked = Pick<Protocol.Network.LoadingFailedEvent, 'blockedReason' | 'corsErrorStatus' | 'errorText'>;

const REFUSES = 'the browser refuses it: ';
const BY_POLICY = `${REFUSES}the page's Content-Security-Policy forbids it`;
const ELSEWHERE = `${REFUSES}it is of another origin`;

const BLOCKED: Readonly<Record<string, string>> = {
  csp: BY_POLICY,
  'net::ERR_BLOCKED_BY_CSP': BY_POLICY,
  origin: ELSEWHERE,
  'mixed-content': `${REFUSES}its address is http, that of the page is https`,
  'net::ERR_BLOCKED_BY_ORB': `${ELSEWHERE}, and of a type that it cannot have here (net::ERR_BLOCKED_BY_ORB)`,
  'net::ERR_BLOCKED_BY_RESPONSE': `${REFUSES}its own headers forbid it (X-Frame-Options or frame-ancestors)`,
};

/** Why a file did not load: in plain words if the browser refused it. */
export function whyBlocked({ blockedReason, corsErrorStatus, errorText }: Blocked): string {
  if (corsErrorStatus) return `${ELSEWHERE}, which does not share it (CORS: ${corsErrorStatus.corsError})`;
  const known = BLOCKED[blockedReason ?? ''] ?? BLOCKED[errorText];
  if (known !== undefined) return known;
  if (blockedReason?.startsWith('corp-')) return `${ELSEWHERE}, and its Cross-Origin-Resource-Policy forbids that`;
  return blockedReason === undefined ? errorText : `${REFUSES}${blockedReason} ${errorText}`.trimEnd();
}

/** Types that an SVG file may have. */
const SVG_TYPES = ['image/svg+xml', 'text/xml', 'application/xml', 'application/xhtml+xml'];
/** The content types that a file must have, by kind of file. Messages name the first one. */
const TYPES: Readonly<Record<string, readonly string[]>> = {
  Stylesheet: ['text/css', 'application/x-unknown-content-type'],
  TextTrack: ['text/vtt'],
  Other: SVG_TYPES,
};

const wrongType = (found: string, wanted: string) =>
  REFUSES + (found === '' ? `it has no type, such as ${wanted}` : `its type is ${found}, not ${wanted}`);

/** Why a document in standards mode refuses a style sheet; undefined if it accepts it. */
export function whySheetRefused({ url, headers }: Protocol.Network.Response): string | undefined {
  const type = contentType(headers);
  if (!url.startsWith('http') || type === '' || TYPES['Stylesheet']!.includes(type)) return undefined;
  return wrongType(type, 'text/css');
}

/** The content type that an answer states; empty if it states none. */
export function contentType(headers: Protocol.Network.Headers): string {
  const name = Object.keys(headers).find((each) => each.toLowerCase() === 'content-type');
  return (headers[name ?? ''] ?? '').split(';', 1)[0]!.trim().toLowerCase();
}

/** The reason that is given for a file that has loaded but with which an element has failed. */
export function whyUseless(kind: Protocol.Network.ResourceType, type: string): string {
  const wanted = TYPES[kind];
  if (!wanted) return `${REFUSES}it does not say why`;
  return type === '' || wanted.includes(type) ? `it is no file of the type ${wanted[0]}` : wrongType(type, wanted[0]!);
}

/** A refusal that the browser has written into its log. */
export interface Refusal {
  url: string;
  reason: string;
  /** The type of the file, if the browser refused even to request it: then it reports no request. */
  unrequested?: Protocol.Network.ResourceType;
  /** Whether something else may have requested the same file, whose failure the page itself handles. */
  isUncertain?: boolean;
}

/** The types of files that the browser refuses to request, by its messages. */
const UNREQUESTED: [pattern: RegExp, kind: Protocol.Network.ResourceType][] = [
  [/^(Framing|Refused to frame|(Loading|Refused to load) plugin data)\b/, 'Document'],
  [/^(Loading|Refused to load) media\b/, 'Media'],
  [/^(Creating|Refused to create) a worker\b/, 'Script'],
];

/** Reads an entry of the browser's log: some refusals, and the reasons for others, are reported only there. */
export function refusalIn({ text, url = '', level, source }: Protocol.Log.LogEntry): Refusal | undefined {
  // The page repeats what its workers log. Their own entries are read instead.
  if (level !== 'error' || source === 'worker') return undefined;
  const named = /'([a-z]+:[^']+)'/.exec(text)?.[1];
  if (named !== undefined && /violates the following Content Security Policy/.test(text)) {
    // If a frame's own policy keeps it out of the page, it was requested.
    const unrequested = /ancestor/.test(text) ? undefined : UNREQUESTED.find(([pattern]) => pattern.test(text))?.[1];
    return unrequested && { url: named, reason: BY_POLICY, unrequested };
  }
  if (named !== undefined && /\bintegrity\b/i.test(text) && /\bblocked\b/.test(text)) {
    const lacksCors = /CORS/.test(text) ? ' can be checked only with the attribute crossorigin' : ' does not fit';
    return { url: named, reason: `${REFUSES}its integrity${lacksCors}`, isUncertain: true };
  }
  const type = /MIME type (?:of "|\(')([^"']*)["']/.exec(text)?.[1];
  if (type === undefined) return undefined;
  if (text.startsWith('Failed to load module script')) {
    const wanted = { JSON: 'application/json', CSS: 'text/css' }[/Expected a (\w+) module/.exec(text)?.[1] ?? ''];
    return { url, reason: wrongType(type, wanted ?? 'text/javascript') };
  }
  if (named === undefined || !text.startsWith('Refused to ')) return undefined;
  return { url: named, reason: wrongType(type, text.includes('apply style') ? 'text/css' : 'text/javascript') };
}
