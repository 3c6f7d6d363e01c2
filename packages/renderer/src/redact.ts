/** Replaces the name and password in an address. */
const HIDDEN = '***@';

const LOGIN_IN_TEXT = /\b([a-z][a-z0-9+.-]{0,30}:\/\/)[^\s/?#\\'"<>`]*@/gi;

/** Text without the names and passwords of the addresses in it: `https://***@host/`. */
export function withoutPasswords(text: string): string {
  return text.includes('@') ? text.replace(LOGIN_IN_TEXT, `$1${HIDDEN}`) : text;
}

/** One address without its name and password, however it is written, even if it is not a valid address. */
export function withoutPassword(url: string): string {
  if (!url.includes('@') || /^\s*(data|file|about|blob):/i.test(url)) return withoutPasswords(url);
  const text = withoutPasswords(url);
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed && (parsed.username || parsed.password)) {
    if (text !== url) return text;
    // Browsers also accept `http:user:secret@host` and `http:\\user:secret@host`.
    parsed.username = '***';
    parsed.password = '';
    return parsed.href;
  }
  // No browser can open it, but it was meant as an address.
  if (!parsed) return url.replace(/^([^@]*?:[/\\]{2}|)[^@]*:.*@/s, `$1${HIDDEN}`);
  return /^(https?|wss?):/i.test(url) ? text : text.replace(/^[^/?#\\@]*:[^/?#\\]*@/, HIDDEN);
}

/** The login that requests to the page's own server need, and the origin that it is for. */
export interface Login {
  origin: string;
  username: string;
  password: string;
}

/** Separates the name and password from an address. */
export function splitLogin(url: string): { url: string; login: Login | undefined } {
  if (!URL.canParse(url)) return { url, login: undefined };
  const parsed = new URL(url);
  const { origin, username, password } = parsed;
  if (!username && !password) return { url, login: undefined };
  parsed.username = parsed.password = '';
  return { url: parsed.href, login: { origin, username, password } };
}

/** Shortens a text to `max` characters and appends its full `length`. Never splits a surrogate pair. */
export function truncate(text: string, max: number, length = text.length): string {
  if (text.length <= max) return text;
  return `${text.slice(0, max).replace(/[\ud800-\udbff]$/, '')}… (${length} characters)`;
}

/** Characters beyond this number are dropped before passwords are searched for: no message shows that many. */
const MAX_READ = 1e6;

/** Text from a page, made fit for a message: without passwords, and at most `max` characters. */
export function redactAndTruncate(text: string, max: number): string {
  return truncate(withoutPasswords(text.slice(0, MAX_READ)), max, text.length);
}
