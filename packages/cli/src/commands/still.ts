import { renderStill } from '@genlock/renderer';
import { acquireHost } from '@genlock/renderer/internal';
import type { PageFlags } from '../flags.js';
import { formatBytes } from '../format.js';
import { folderOptions, openPage } from '../input.js';
import { readRequest } from '../request.js';
import { stillSettings } from '../settings.js';
import type { Terminal } from '../terminal.js';
import { checkBrowser } from '../tools.js';

/** `genlock still`: draws one frame of a page as a PNG. */
export async function still(
  page: string | undefined,
  flags: PageFlags,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<void> {
  const { request, input } = await readRequest(page, flags, 'frame.png', signal);
  const { options, frame } = stillSettings(request, input?.url ?? 'about:blank', flags.frame);
  // Without a page, stillSettings has thrown.
  if (!input) return;
  await using _host = await acquireHost();
  checkBrowser(flags);
  signal.throwIfAborted();

  await using opened = await openPage(input, folderOptions(flags, terminal.event));
  terminal.wording = opened.withPaths;
  const made = await renderStill(
    opened.url,
    request.output,
    { ...options, frame },
    { signal, onEvent: terminal.event },
  );
  terminal.result(
    [made.outputPath, `  frame ${made.frame}, ${made.width}x${made.height}, ${formatBytes(made.bytes)}`],
    { type: 'report', ...made },
  );
}
