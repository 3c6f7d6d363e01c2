import { installAnimatedImages } from './animatedImages.js';
import { installAnimations } from './animations.js';
import { installAudio } from './audio.js';
import { CONTROL_KEY, createControl, type PageConfig, type PagePart } from './control.js';
import { installGenlockApi } from './genlockApi.js';
import { installMediaElements } from './mediaElements.js';
import { installPendingWork } from './pendingWork.js';
import { installPlayback } from './playback.js';
import { installRandom } from './random.js';
import { installRoots } from './roots.js';
import { installStepping } from './stepping.js';
import { installTime } from './time.js';
import { installTimers } from './timers.js';
import { installVideoFrames } from './videoFrames.js';

export { CONTROL_KEY } from './control.js';
export type { PageConfig } from './control.js';

const PARTS: PagePart[] = [
  installTime,
  installTimers,
  installRoots,
  installAnimations,
  installAnimatedImages,
  installRandom,
  installPendingWork,
  installVideoFrames,
  installPlayback,
  installMediaElements,
  installAudio,
  installGenlockApi,
  installStepping,
];

/** The script that runs in every document before the page's own: the whole clock as source text. */
export function pageScript(config: PageConfig): string {
  return [
    '(() => {',
    // Some compilers wrap functions in a call of this helper to keep their names.
    'const __name = (value) => value;',
    `const control = (${createControl.toString()})(${JSON.stringify(config)}, ${JSON.stringify(CONTROL_KEY)});`,
    ...PARTS.map((part) => `(${part.toString()})(control);`),
    '})();',
  ].join('\n');
}
