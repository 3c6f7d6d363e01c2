/*
 * The entry point `@genlock/renderer/internal`: what Genlock's own command line and benchmarks need beyond the public
 * API. Its exports may change or disappear in any version; programs should use `@genlock/renderer`.
 */

export { findBrowser, locateBrowser } from './browser/findBrowser.js';
export { findLlvmpipe, type Llvmpipe } from './browser/llvmpipe.js';
export { findFfmpeg } from './ffmpeg/findFfmpeg.js';
export { findHardening } from './lifecycle/hardening.js';
export { acquireHost } from './lifecycle/host/Host.js';
export { killEverything } from './lifecycle/killEverything.js';
export { runCommand } from './lifecycle/runCommand.js';
export { formatFrameRate, framesIn, parseFrameRate } from './options/frameRate.js';
export { DEADLINES } from './options/schema.js';
export { withoutPasswords } from './redact.js';
export { checkStill } from './renderStill.js';
export { attempt, isA, nameAndMessageOf, nameOf, messageOf } from './unknowns.js';
export { planVerification, type VerifyPlan } from './verify/planVerification.js';
