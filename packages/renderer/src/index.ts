export { Renderer } from './Renderer.js';
export { ChunkStore, type KeptChunk, type PruneLimits } from './store/ChunkStore.js';
export { cacheDirectory } from './store/cacheDirectory.js';
export { RenderOrchestrator } from './Orchestrator.js';
export { checkStill, renderStill, type StillOptions, type StillReport } from './renderStill.js';
export { verifyPage, type PageVerdict, type WayVerdict } from './verifyPage.js';
export {
  planVerification,
  type Sample,
  type VerifyOptions,
  type VerifyPlan,
  type VerifyWay,
} from './verify/planVerification.js';
export { readComposition, type Composition } from './composition/readComposition.js';
export { BrowserPool } from './browser/BrowserPool.js';
export { findBrowser, locateBrowser, BROWSER_HELP, type FoundBrowser } from './browser/findBrowser.js';
export { findLlvmpipe, type Llvmpipe } from './browser/llvmpipe.js';
export { findFfmpeg, locateFfmpeg, FFMPEG_HELP, type FfmpegPaths } from './ffmpeg/findFfmpeg.js';
export { findHardening, type Hardening } from './lifecycle/hardening.js';
export { holdHost } from './lifecycle/host/Host.js';
export { killEverything } from './lifecycle/killEverything.js';
export { runCommand } from './lifecycle/runCommand.js';
export { toolVersions, type ToolVersions } from './toolVersions.js';
export { stopReceiptOf } from './lifecycle/stopReceipts.js';
export { attempt, isA, namedWordsOf, nameOf, wordsOf } from './unknowns.js';
export { DEADLINES, type DeadlineName } from './options/options.js';
export { formatFrameRate, framesIn, parseFrameRate, type FrameRate } from './options/frameRate.js';
export { CODECS, EXTENSIONS, codecName } from './ffmpeg/codecs.js';
export { withoutPasswords } from './redact.js';
export * from './errors.js';
export { codeOf, errorFromRecord, errorRecord, positionOf, wasKilled, type ErrorRecord } from './errorRecord.js';
export type * from './events.js';
export type * from './types.js';
