import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** An empty folder that is removed when the test ends. */
export function temporaryFolder(t) {
  const folder = mkdtempSync(join(tmpdir(), 'genlock-test-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function write(folder, files) {
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
}

/** Programs that are shell scripts; without a text they do nothing. */
export function writePrograms(folder, programs) {
  for (const [name, text] of Object.entries(programs)) {
    write(folder, { [name]: `#!/bin/sh\n${text}\n` });
    chmodSync(join(folder, name), 0o755);
  }
}
