import type { Control } from './control.js';

/**
 * WebGPU draws in real time and no virtual time: what it was told to draw is waited for, as is what it promises (see
 * `installPendingWork`, which must come before).
 * Most pages have none, and a browser that has it is another one: in one that has not, to ask for it is told to
 * the renderer, and is answered in the other.
 */
export function installWebGpu(control: Control): void {
  type Call = (this: unknown, ...args: unknown[]) => unknown;
  const classes = globalThis as unknown as Record<string, { prototype: Record<string, Call | undefined> } | undefined>;
  control.whenComplete(() => {
    const gpu = classes['GPU']?.prototype;
    if (!gpu?.['requestAdapter']) return;
    if (control.config.webgpu) install(gpu);
    else refuse(gpu);
  });

  function refuse(gpu: Record<string, Call | undefined>): void {
    gpu['requestAdapter'] = () => {
      const isPage = typeof document !== 'undefined';
      const hint = 'browserConfig.args: ["--enable-unsafe-webgpu"] has it from the start';
      if (!isPage) reportError(new Error(`a worker asks for WebGPU, which the browser was not started with (${hint})`));
      control.webgpu = 'wanted';
      return new Promise(() => {});
    };
  }

  function install(gpu: Record<string, Call | undefined>): void {
    const request = gpu['requestAdapter']!;
    gpu['requestAdapter'] = async function (...args) {
      const adapter = await request.apply(this, args);
      if (adapter === null) control.webgpu = 'lacking';
      return adapter;
    };

    // Frames that are passed without being drawn would pile up.
    const queue = classes['GPUQueue']!.prototype as Record<string, Call>;
    const submit = queue['submit']!;
    const done = queue['onSubmittedWorkDone']!;
    const busy = new Set<unknown>();
    queue['submit'] = function (...args) {
      if (!busy.has(this)) {
        busy.add(this);
        // In a task of its own: all that is submitted in this one is waited for.
        void control.track(
          Promise.resolve()
            .then(() => done.call(this) as Promise<unknown>)
            .catch(() => {})
            .then(() => busy.delete(this)),
          'WebGPU to draw',
        );
      }
      return submit.apply(this, args);
    };
  }
}
