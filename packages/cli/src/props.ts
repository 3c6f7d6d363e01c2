import { readFile } from 'node:fs/promises';

/** What `--props` passes to the page, or an error message. */
export type Props = { value: Record<string, unknown>; file?: string } | { problem: string };

/** Reads `--props`: a JSON object, or the path of a file that holds one. */
export async function readProps(text: string): Promise<Props> {
  // No file name begins like this. Arrays and strings are not valid props, but the error should say so, not
  // complain about a missing file.
  if (/^\s*[{["]/.test(text)) return parseProps(text, '--props');
  let content: string;
  try {
    content = await readFile(text, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const why = code === 'ENOENT' ? 'no such file' : code === 'EISDIR' ? 'it is a folder' : (error as Error).message;
    return { problem: `--props ${text} cannot be read: ${why}. Give a JSON object or a file that holds one` };
  }
  const props = parseProps(content.replace(/^\uFEFF/, ''), `--props ${text}`);
  return 'problem' in props ? props : { ...props, file: text };
}

function parseProps(json: string, name: string): Props {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    return { problem: `${name} does not hold JSON: ${(error as Error).message}` };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { problem: `${name} must be a JSON object such as {"title":"Hello"}` };
  }
  return { value: value as Record<string, unknown> };
}
