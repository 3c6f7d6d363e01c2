import { withoutPasswords } from '@genlock/renderer/internal';

/**
 * What a terminal would act upon or not show: control and format characters, of which those for the direction of
 * text can make it read otherwise than it is, separators of lines, and halves of characters. Not the joiners that
 * scripts and emoji are written with, nor soft hyphens.
 */
const UNPRINTABLE = /(?![\u00ad\u200c\u200d])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/**
 * Text as it may be printed, wherever it comes from: pages, servers and files have a say in nearly everything that we
 * tell. To be called last, after everything else that is done to the text.
 */
export function printable(text: string): string {
  return withoutPasswords(text)
    .replaceAll('\r', '')
    .replace(UNPRINTABLE, (character) => (character === '\n' || character === '\t' ? character : escaped(character)));
}

/** The same of a message, whose further lines are indented: none of them can pass for a message of ours. */
export function printableMessage(text: string): string {
  return printable(text).replace(/\n(?! )/g, '\n    ');
}

/** The same of a name in the middle of a sentence: it has no lines. */
export function printableName(name: string): string {
  return name.replace(UNPRINTABLE, escaped);
}

/** JSON with the same characters escaped: a reader gets what was said, and a terminal is not moved. */
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
