import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { ToolError, type RenderPosition } from '../errors.js';
import type { WebGl } from '../options/groups.js';

/** Mesa's llvmpipe on this machine: a driver that draws WebGL on the processor, like the browser's own SwiftShader. */
export interface Llvmpipe {
  /** The file through which Vulkan's loader finds the driver. */
  manifest: string;
  /** Identifies the version of the driver's file. */
  stamp: string;
}

/** llvmpipe is installed, but the browser cannot use it. */
export class LlvmpipeError extends ToolError {
  constructor(found: string, position: RenderPosition) {
    const instead = found ? `it says that it draws with ${found}` : 'it cannot load the driver';
    super(`the browser does not draw WebGL with llvmpipe: ${instead} (webgl: swiftshader works without it)`, position);
  }
}

/** Vulkan's names for the processors. */
const PROCESSORS: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64' };

/**
 * Finds llvmpipe where Vulkan's loader looks for drivers; undefined if it is not installed. It compiles shaders for all
 * features of the processor, and takes half of SwiftShader's time: at 1920 x 1080 pixels 44 ms instead of 88 for one
 * shader over the whole picture, and half the time for a three.js scene.
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

/**
 * Like `findLlvmpipe`, if the option allows it. With `auto`, a driver in VK_DRIVER_FILES counts as the user's choice.
 */
export function llvmpipeFor(webgl: WebGl): Llvmpipe | undefined {
  if (webgl === 'swiftshader') return undefined;
  return webgl === 'auto' && process.env['VK_DRIVER_FILES'] !== undefined ? undefined : findLlvmpipe();
}

/** The stamp of the driver in a manifest; undefined if there is no such driver. */
function stampOf(manifest: string): string | undefined {
  try {
    const { ICD } = JSON.parse(readFileSync(manifest, 'utf8')) as { ICD: { library_path: string } };
    const isPath = ICD.library_path.includes('/');
    // The system looks up a name without a path. A new version of the package also changes the manifest.
    const file = isPath ? resolve(dirname(manifest), ICD.library_path) : manifest;
    const { size, mtimeMs } = statSync(file);
    return `${file} ${size} ${mtimeMs}`;
  } catch {
    return undefined;
  }
}

/**
 * The environment of a browser that draws WebGL with llvmpipe: Vulkan's loader finds it in place of SwiftShader, and
 * nothing else changes. Mesa's shader cache is disabled, because it would leave files in the user's home.
 */
export function llvmpipeEnvironment({ manifest }: Llvmpipe): Record<string, string> {
  return { VK_DRIVER_FILES: manifest, MESA_SHADER_CACHE_DISABLE: 'true' };
}
