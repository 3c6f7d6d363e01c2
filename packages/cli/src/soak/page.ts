/** Message of the error that the page throws at the frame `throwAt`. */
export const THROWN = 'the page throws for the soak';

/** A small animated page that throws at the frame `throwAt` and loops forever at the frame `loopAt`. */
export const PAGE = `data:text/html,${encodeURIComponent(`<!doctype html><title>soak</title>
<style>body { margin: 0; background: #123 } div { width: 40px; height: 40px; background: orange }</style>
<div></div>
<script>
  const { throwAt, loopAt } = window.genlock?.props ?? {};
  let frame = 0;
  function draw() {
    document.querySelector('div').style.transform = 'translate(' + 3 * frame + 'px, ' + frame + 'px)';
    if (frame === throwAt) throw new Error('${THROWN}');
    while (frame === loopAt);
    frame += 1;
    requestAnimationFrame(draw);
  }
  requestAnimationFrame(draw);
</script>`)}`;
