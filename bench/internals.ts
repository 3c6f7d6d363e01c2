/**
 * The rooms of the renderer that the floor is measured with: those that its package does not open. They
 * are those of the built library, as everything else here is.
 */
import type * as browserSession from '../packages/renderer/src/browser/BrowserSession.js';
import type * as pageSession from '../packages/renderer/src/browser/PageSession.js';
import type * as encoding from '../packages/renderer/src/ffmpeg/arguments.js';
import type * as jobScope from '../packages/renderer/src/lifecycle/JobScope.js';
import type * as options from '../packages/renderer/src/options/options.js';

async function room<T>(path: string): Promise<T> {
  return (await import(new URL(path, import.meta.resolve('@genlock/renderer')).href)) as T;
}

export const { BrowserSession } = await room<typeof browserSession>('browser/BrowserSession.js');
export const { PageSession } = await room<typeof pageSession>('browser/PageSession.js');
export const { encodeArguments } = await room<typeof encoding>('ffmpeg/arguments.js');
export const { JobScope } = await room<typeof jobScope>('lifecycle/JobScope.js');
export const { parseRendererOptions } = await room<typeof options>('options/options.js');
