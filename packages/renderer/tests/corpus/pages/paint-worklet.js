registerPaint(
  'rings',
  class {
    static get inputProperties() {
      return ['--ring'];
    }

    paint(context, { width, height }, properties) {
      const ring = Number(properties.get('--ring'));
      context.lineWidth = 6;
      for (let n = 0; n < 6; n++) {
        context.strokeStyle = `hsl(${n * 60} 80% 50%)`;
        context.beginPath();
        context.arc(width / 2, height / 2, ring + n * 25, 0, 7);
        context.stroke();
      }
    }
  },
);
