/** A script element that runs this code in each frame of the video, with its number as `frame`; `before` runs once. */
export function eachFrame(code: string, before = ''): string {
  return `<script>
    ${before}
    function draw(now) {
      const frame = Math.round(now * 0.03);
      ${code}
      requestAnimationFrame(draw);
    }
    requestAnimationFrame(draw);
  </script>`;
}
