import { RenderOrchestrator } from '@genlock/renderer';
import { acquireHost } from '@genlock/renderer/internal';
import type { PageFlags } from '../flags.js';
import { folderOptions, openPage } from '../input.js';
import { reportLines } from '../messages.js';
import { readRequest } from '../request.js';
import { renderSettings } from '../settings.js';
import type { Terminal } from '../terminal.js';
import { checkBrowser, checkFfmpeg } from '../tools.js';

/** `genlock render`: checks everything that can be checked beforehand, then renders the page to a video. */
export async function render(
  argument: string | undefined,
  flags: PageFlags,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<void> {
  const { request, input } = await readRequest(argument, flags, 'out.mp4', signal);
  const { options, plan } = renderSettings(request, input?.url ?? 'about:blank', flags.frames);
  // Without a page, renderSettings has thrown.
  if (!input) return;
  await using _host = await acquireHost();
  checkBrowser(flags);
  // A missing encoder is reported before any browser starts. The check takes a while, so the page opens meanwhile.
  const check = checkFfmpeg(plan, flags, signal);
  const [page] = await Promise.allSettled([openPage(input, folderOptions(flags, terminal.event)), check]);
  if (page.status === 'rejected') throw page.reason;
  await using opened = page.value;
  await check;
  signal.throwIfAborted();

  terminal.wording = opened.withPaths;
  terminal.display.begin(plan);
  const report = await RenderOrchestrator.render(opened.url, request.output, options, {
    signal,
    onEvent: terminal.event,
  });
  terminal.result(reportLines(report), { type: 'report', ...report });
}
