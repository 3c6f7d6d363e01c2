// One block for each thing that happens, in the order in which it does.
globalThis.tell = (colour) => {
  const block = document.createElement('i');
  block.style.background = colour;
  document.getElementById('log').append(block);
};
const move = (t) => (document.getElementById('bar').style.width = `${10 + t / 5}px`);
requestAnimationFrame(function draw(t) {
  move(t);
  globalThis.frame?.(t);
  requestAnimationFrame(draw);
});
