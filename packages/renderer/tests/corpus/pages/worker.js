const start = performance.now();
let ticks = 0;
setInterval(() => {
  ticks += 1;
  postMessage({ ticks, passed: performance.now() - start, date: Date.now(), random: Math.random() });
}, 20);
