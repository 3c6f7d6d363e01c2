registerProcessor(
  'counter',
  class extends AudioWorkletProcessor {
    blocks = 0;

    process() {
      if (this.blocks++ % 8 === 0) this.port.postMessage({ blocks: this.blocks, time: currentTime });
      return true;
    }
  },
);
