import { withoutPasswords } from '@genlock/renderer/internal';

/**
 * Characters that a terminal would act on or not show: control and format characters (those for text direction can
 * make text read differently from what it is), line and paragraph separators, and lone surrogates. Soft hyphens and
 * the joiners that scripts and emoji need are allowed.
 */
const UNPRINTABLE = /(?![\u00ad\u200c\u200d])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/**
 * Makes text safe to print, wherever it comes from: pages, servers and files contribute to nearly every message. Must
 * be the last step applied to the text.
 */
export function printable(text: string): string {
  return withoutPasswords(text)
    .replaceAll('\r', '')
    .replace(UNPRINTABLE, (character) => (character === '\n' || character === '\t' ? character : escaped(character)));
}

/** The same for a message, with its continuation lines indented, so that none can pass for a message of ours. */
export function printableMessage(text: string): string {
  return printable(text).replace(/\n(?! )/g, '\n    ');
}

/** The same for a name inside a sentence, where line breaks are escaped as well. */
export function printableName(name: string): string {
  return name.replace(UNPRINTABLE, escaped);
}

/** JSON with the same characters escaped: a parser reads the original text, and a terminal is not affected. */
export function printableJson(json: string): string {
  return withoutPasswords(json).replace(UNPRINTABLE, (character) =>
    character.replace(/[^]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`),
  );
}

function escaped(character: string): string {
  const code = character.codePointAt(0)!;
  const hex = code.toString(16);
  if (code <= 0xff) return `\\x${hex.padStart(2, '0')}`;
  return code <= 0xffff ? `\\u${hex.padStart(4, '0')}` : `\\u{${hex}}`;
}
