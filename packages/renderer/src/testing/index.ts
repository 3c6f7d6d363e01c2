export {
  assertExecutorConforms,
  checkExecutor,
  ExecutorConformanceError,
  type CheckResult,
  type ConformanceOptions,
  type ExecutorConformance,
} from './checkExecutor.js';
export { countFrames } from './readBack.js';
export { collectGarbage, hostDifferences, readHost, type HostState } from './HostState.js';
export {
  hasProcessTable,
  mainProcess,
  rendererProcess,
  Traces,
  type KnownProcesses,
  type TracedProcess,
} from './Traces.js';
