import { Renderer } from '../Renderer.js';
import { toolVersions, type ToolVersions } from '../toolVersions.js';
import type { ChunkResult, RendererOptions, RenderExecutor, RenderJobOptions } from '../types.js';

/** Renders chunks in this process, each with a Renderer of its own. */
export class LocalExecutor implements RenderExecutor {
  render(
    compositionUrl: string,
    outputPath: string,
    options: RendererOptions,
    jobOptions: RenderJobOptions,
  ): Promise<ChunkResult | void> {
    return new Renderer(options).render(compositionUrl, outputPath, jobOptions);
  }

  versions(options: RendererOptions, { signal }: Pick<RenderJobOptions, 'signal'>): Promise<ToolVersions> {
    return toolVersions(options, signal ? { signal } : {});
  }
}
