onmessage = ({ data: canvas }) => {
  const context = canvas.getContext('2d');
  let frames = 0;
  requestAnimationFrame(function draw(time) {
    requestAnimationFrame(draw);
    frames += 1;
    context.fillStyle = '#102';
    context.fillRect(0, 0, 320, 180);
    context.fillStyle = '#f2c';
    context.fillRect(time * 0.2, 20, 40, 40);
    context.fillStyle = '#2fc';
    context.fillRect(frames * 5, 80, 40, 40);
    context.font = '16px monospace';
    context.fillText(`${Math.round(time)} ${frames}`, 10, 160);
  });
};
