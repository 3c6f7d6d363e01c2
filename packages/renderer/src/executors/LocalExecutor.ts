import { Renderer } from '../Renderer.js';
import type { RendererOptions, RenderExecutor, RenderJobOptions } from '../types.js';

/** Runs chunks in this process, each through a Renderer of its own. */
export class LocalExecutor implements RenderExecutor {
  render(
    compositionUrl: string,
    outputPath: string,
    options: RendererOptions,
    jobOptions: RenderJobOptions,
  ): Promise<unknown> {
    return new Renderer(options).render(compositionUrl, outputPath, jobOptions);
  }
}
