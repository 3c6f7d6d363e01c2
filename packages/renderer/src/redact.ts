/** What stands for the name and password of an address. */
const HIDDEN = '***@';

const LOGIN_IN_TEXT = /\b([a-z][a-z0-9+.-]{0,30}:\/\/)[^\s/?#\\'"<>`]*@/gi;

/** Text without the names and passwords of the addresses in it: `https://***@host/`. */
export function withoutPasswords(text: string): string {
  return text.includes('@') ? text.replace(LOGIN_IN_TEXT, `$1${HIDDEN}`) : text;
}

/** One address without its name and password, however it is written; also one that is not quite an address. */
export function withoutPassword(url: string): string {
  if (!url.includes('@') || /^\s*(data|file|about|blob):/i.test(url)) return withoutPasswords(url);
  const text = withoutPasswords(url);
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed && (parsed.username || parsed.password)) {
    if (text !== url) return text;
    // Browsers take `http:user:secret@host` and `http:\\user:secret@host`, too.
    [parsed.username, parsed.password] = [HIDDEN.slice(0, -1), ''];
    return parsed.href;
  }
  // No browser opens it, but it was meant as one.
  if (!parsed) return url.replace(/^([^@]*?:[/\\]{2}|)[^@]*:.*@/s, `$1${HIDDEN}`);
  return /^(https?|wss?):/i.test(url) ? text : text.replace(/^[^/?#\\@]*:[^/?#\\]*@/, HIDDEN);
}

/** What requests to a page's own server must have with them, and the origin that this is for. */
export interface Login {
  origin: string;
  username: string;
  password: string;
}

/** Takes the name and password out of an address. */
export function splitLogin(url: string): { url: string; login: Login | undefined } {
  if (!URL.canParse(url)) return { url, login: undefined };
  const parsed = new URL(url);
  const { origin, username, password } = parsed;
  if (!username && !password) return { url, login: undefined };
  parsed.username = parsed.password = '';
  return { url: parsed.href, login: { origin, username, password } };
}

/** The beginning of a text that is too long, and how long it is in all. Characters stay whole. */
export function cut(text: string, max: number, length = text.length): string {
  if (text.length <= max) return text;
  return `${text.slice(0, max).replace(/[\ud800-\udbff]$/, '')}… (${length} characters)`;
}

/** Nobody reads on for so long: what is beyond is not even looked through. */
const MAX_READ = 1e6;

/** What a page says, for people: without passwords, and not for ever. */
export function quote(text: string, max: number): string {
  return cut(withoutPasswords(text.slice(0, MAX_READ)), max, text.length);
}
