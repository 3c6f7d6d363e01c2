/*
 * The entry point of the package. Its exports are the whole public API. `npm run api` records them in
 * api/renderer.api.md, so that every change of the API shows up in a diff.
 */

export { renderVideo } from './renderVideo.js';
export { renderStill, type StillOptions, type StillReport } from './renderStill.js';
export { verifyPage, type PageVerdict, type VerifyJobOptions, type WayVerdict } from './verifyPage.js';
export type { Sample, VerifyOptions, VerifyWay } from './verify/planVerification.js';
export { readComposition, type Composition, type ReadCompositionOptions } from './composition/readComposition.js';

export { RenderOrchestrator } from './Orchestrator.js';
export { Renderer } from './Renderer.js';
export { BrowserPool } from './browser/BrowserPool.js';
export { ChunkStore, type KeptChunk, type PruneLimits } from './store/ChunkStore.js';
export { toolVersions, type ToolVersions } from './toolVersions.js';
export { stopReceiptOf } from './lifecycle/stopReceipts.js';

export {
  AssetError,
  BrowserCrashError,
  BudgetError,
  EncoderError,
  ERROR_CODES,
  GenlockError,
  InputError,
  NavigationError,
  OptionsError,
  PageError,
  SeamError,
  StallError,
  TeardownError,
  ToolError,
  VerificationError,
  type ErrorCode,
  type RenderPhase,
  type RenderPosition,
} from './errors.js';
export { errorFromRecord, errorRecord, type ErrorRecord } from './errorRecord.js';
export type * from './events.js';
export type * from './types.js';
