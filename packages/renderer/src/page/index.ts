import { installAnimatedImages } from './animatedImages.js';
import { installAnimatedStyles } from './animatedStyles.js';
import { installAnimations } from './animations.js';
import { installAudio } from './audio.js';
import { installBodies } from './bodies.js';
import { installBroadcasts } from './broadcasts.js';
import { installCanvases } from './canvases.js';
import { installCaret } from './caret.js';
import { installCodecs } from './codecs.js';
import { installDeferredContent } from './deferredContent.js';
import type { PageConfig } from './config.js';
import { CONTROL_KEY, type PagePart } from './control.js';
import { createControl } from './createControl.js';
import { installDedicatedWorkers } from './dedicatedWorkers.js';
import { installFileFaults } from './fileFaults.js';
import { installFrameLoads } from './frameLoads.js';
import { installGenlockApi } from './genlockApi.js';
import { installImageListeners } from './imageListeners.js';
import { installLayerHints } from './layerHints.js';
import { installLateFeatures } from './lateFeatures.js';
import { installLocks } from './locks.js';
import { installMachine } from './machine.js';
import { installMediaElements } from './mediaElements.js';
import { installMediaSources } from './mediaSources.js';
import { installObservers } from './observers.js';
import { installOrder } from './order.js';
import { installOrderedAnswers } from './orderedAnswers.js';
import { installPendingWork } from './pendingWork.js';
import { installPartStyles } from './partStyles.js';
import { installPictureEvents } from './pictureEvents.js';
import { installOwnSheet } from './ownSheet.js';
import { installPlayback } from './playback.js';
import { installPorts } from './ports.js';
import { installRandom } from './random.js';
import { readWebGl } from './readWebGl.js';
import { installRefresh } from './refresh.js';
import { installRoots } from './roots.js';
import { installScrolling } from './scrolling.js';
import { installInsideSharedWorker } from './insideSharedWorker.js';
import { installSharedWorkers } from './sharedWorkers.js';
import { installScriptFonts } from './scriptFonts.js';
import { installServiceWorkers } from './serviceWorkers.js';
import { installSmil } from './smil.js';
import { NAME_HELPER } from './source.js';
import { installStepping } from './stepping.js';
import { installStoredData } from './storedData.js';
import { installStyleSheets } from './styleSheets.js';
import { installStreams } from './streams.js';
import { installSvgParts } from './svgParts.js';
import { installTasks } from './tasks.js';
import { installTime } from './time.js';
import { installTimers } from './timers.js';
import { installUserActivation } from './userActivation.js';
import { installSkippedDrawing } from './skippedDrawing.js';
import { installVideoFrames } from './videoFrames.js';
import { installWebGl } from './webgl.js';
import { installWebGpu } from './webgpu.js';
import { installWindowSize } from './windowSize.js';
import { installInsideWorker } from './insideWorker.js';
import { installWorkerName } from './workerName.js';
import { installWorkers } from './workers.js';
import { installWorklets } from './worklets.js';

export { CONTROL_KEY } from './control.js';
export type { Moment, PageConfig } from './config.js';
export type { SheetUse, VideoNews } from './control.js';
export type { FileFault, FileFaults, FrameUse, Outcome, Rest, SettleOptions } from './outcome.js';

/** The parts that documents and workers share. */
const COMMON: PagePart[] = [
  installTime,
  installMachine,
  installTimers,
  installRandom,
  installOrder,
  installOrderedAnswers,
  installLocks,
  installPendingWork,
  installStoredData,
  installStreams,
  installBodies,
  installCodecs,
  installMediaSources,
  installTasks,
  installBroadcasts,
  installCanvases,
  installWebGl,
  installWebGpu,
  installWorkers,
  installDedicatedWorkers,
  installScriptFonts,
];

const PARTS: PagePart[] = [
  ...COMMON,
  installWindowSize,
  installUserActivation,
  installPorts,
  installSharedWorkers,
  installRoots,
  installPictureEvents,
  installRefresh,
  installServiceWorkers,
  installAnimations,
  installSmil,
  installAnimatedImages,
  installAnimatedStyles,
  installScrolling,
  installCaret,
  installLayerHints,
  installOwnSheet,
  installPartStyles,
  installSkippedDrawing,
  installObservers,
  installDeferredContent,
  installWorklets,
  installVideoFrames,
  installPlayback,
  installMediaElements,
  installAudio,
  installFileFaults,
  installStyleSheets,
  installSvgParts,
  installFrameLoads,
  installGenlockApi,
  installStepping,
  installImageListeners,
];

const WORKER_PARTS: PagePart[] = [installLateFeatures, installWorkerName, ...COMMON, installInsideWorker];

const SHARED_WORKER_PARTS: PagePart[] = [installLateFeatures, ...COMMON, installPorts, installInsideSharedWorker];

/** The script that runs in every document before the page's own: the whole clock as source text. */
export function pageScript(config: PageConfig): string {
  return script(config, PARTS);
}

/** The same for a worker, before the first line of its script. */
export function workerScript(config: PageConfig, kind: 'dedicated' | 'shared'): string {
  return script(config, kind === 'shared' ? SHARED_WORKER_PARTS : WORKER_PARTS);
}

function script(config: PageConfig, parts: PagePart[]): string {
  return [
    '(() => {',
    NAME_HELPER,
    `const control = (${createControl.toString()})(${JSON.stringify(config)}, ${JSON.stringify(CONTROL_KEY)});`,
    `control.readWebGl = ${readWebGl.toString()};`,
    ...parts.map((part) => `(${part.toString()})(control);`),
    '})();',
  ].join('\n');
}
