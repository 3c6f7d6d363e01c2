import type { Control } from './control.js';

/**
 * WebGPU draws in real time, but in no virtual time: the clock waits for its drawing, and for its promises (see
 * `installPendingWork`, which must be installed before).
 *
 * Most pages do not use WebGPU, and it needs a browser that was started with it. In any other browser, a request for it
 * is reported to the renderer and stays unanswered; the renderer reopens the page in a browser that has WebGPU.
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
      const advice = 'start it with browserConfig.args: ["--enable-unsafe-webgpu"] (--browser-arg)';
      if (!isPage) reportError(new Error(`a worker asks for WebGPU, which this browser does not have: ${advice}`));
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

    // Otherwise the drawing of undrawn frames would pile up.
    const queue = classes['GPUQueue']!.prototype as Record<string, Call>;
    const submit = queue['submit']!;
    const done = queue['onSubmittedWorkDone']!;
    const busy = new Set<unknown>();
    queue['submit'] = function (...args) {
      if (!busy.has(this)) {
        busy.add(this);
        // Asynchronously, so that it includes everything submitted in the present task.
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
