import type { Control } from './control.js';

/**
 * A shared worker belongs to no document: the renderer moves its clock, before that of the documents.
 * Its messages go through ports, which nobody holds back.
 */
export function installSharedWorkerEnd(control: Control): void {
  const { num, den } = control.config.fps;

  control.settle = async (_frame, _goesOn, isUrged = false) => {
    if (isUrged) await control.urge();
    await control.untilIdle();
    const { active } = control;
    control.active = false;
    return { again: active, observes: false, observed: 0 };
  };

  control.step = async (frame) => {
    control.started = true;
    await control.runTimers((frame * den * 1000) / num);
    control.frame = frame;
    control.now = (frame * den * 1000) / num;
    return control.settle();
  };
}
