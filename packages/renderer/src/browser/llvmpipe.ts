import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { ToolError, type RenderPosition } from '../errors.js';
import type { WebGl } from '../options/groups.js';

/** Mesa's llvmpipe on this machine: a driver that draws WebGL on the processor, as SwiftShader in the browser does. */
export interface Llvmpipe {
  /** The file by which Vulkan's loader finds it. */
  manifest: string;
  /** Changes when the driver does. */
  stamp: string;
}

/** It is installed, and a browser cannot use it. */
export class LlvmpipeError extends ToolError {
  constructor(found: string, position: RenderPosition) {
    const instead = found ? `it says that it draws with ${found}` : 'it cannot load it';
    super(`the browser does not draw WebGL with llvmpipe: ${instead} (webgl: swiftshader does without)`, position);
  }
}

/** What Vulkan calls processors. */
const PROCESSORS: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64' };

/**
 * Finds it where Vulkan's loader looks for drivers; undefined where it is not installed. It compiles shaders for
 * all that the processor can do, and needs half of SwiftShader's time for those of a page: of 1920 x 1080 pixels,
 * 44 ms instead of 88 for one shader over the whole picture, and a three.js scene comes twice as fast.
 */
export function findLlvmpipe(): Llvmpipe | undefined {
  const shared = (process.env['XDG_DATA_DIRS'] || '/usr/local/share:/usr/share').split(':');
  for (const folder of ['/etc', ...shared]) {
    for (const name of [`lvp_icd.${PROCESSORS[process.arch]}.json`, 'lvp_icd.json']) {
      const manifest = resolve(folder, 'vulkan/icd.d', name);
      const stamp = stampOf(manifest);
      if (stamp !== undefined) return { manifest, stamp };
    }
  }
  return undefined;
}

/** As `findLlvmpipe`, where the option lets it be used: who has named a driver to Vulkan's loader has chosen. */
export function llvmpipeFor(webgl: WebGl): Llvmpipe | undefined {
  if (webgl === 'swiftshader') return undefined;
  return webgl === 'auto' && process.env['VK_DRIVER_FILES'] !== undefined ? undefined : findLlvmpipe();
}

/** Undefined where there is no such driver. */
function stampOf(manifest: string): string | undefined {
  try {
    const { ICD } = JSON.parse(readFileSync(manifest, 'utf8')) as { ICD: { library_path: string } };
    const isPath = ICD.library_path.includes('/');
    // A name without a path is looked up by the system: with the package, the manifest changes too.
    const file = isPath ? resolve(dirname(manifest), ICD.library_path) : manifest;
    const { size, mtimeMs } = statSync(file);
    return `${file} ${size} ${mtimeMs}`;
  } catch {
    return undefined;
  }
}

/**
 * The environment of a browser that draws WebGL with it: the loader finds it in the place of SwiftShader, with
 * which all else is as before. Mesa keeps compiled shaders in the user's home otherwise: nothing is to remain.
 */
export function llvmpipeEnvironment({ manifest }: Llvmpipe): Record<string, string> {
  return { VK_DRIVER_FILES: manifest, MESA_SHADER_CACHE_DISABLE: 'true' };
}
