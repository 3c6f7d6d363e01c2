import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { ClockPages } from './support/clockPages.js';

const pages = new ClockPages();
after(() => pages[Symbol.asyncDispose]());

/** A page that tells what it reads of `will-change`, and what that makes of the document. */
const PAGE = pages.page(
  `
  const computed = () => getComputedStyle(box).willChange;
  const log = [];
  new MutationObserver((records) => log.push(...records.map(({ attributeName }) => attributeName)))
    .observe(attribute, { attributes: true });
  globalThis.frame = (n) => {
    if (n === 0) {
      say('rule', sheet.sheet.cssRules[0].style.willChange, computed(), sheet.sheet.cssRules[0].style.cssText);
      say('attribute', attribute.style.willChange, getComputedStyle(attribute).getPropertyValue('will-change'));
      box.style.willChange = 'transform, opacity';
      box.style.color = 'red';
    } else if (n === 1) {
      say('written', box.style.willChange, box.style['will-change'], box.style.getPropertyValue('will-change'), computed());
      say('text', box.style.cssText);
      box.style.cssText = 'will-change: scale, contents, top !important';
    } else if (n === 2) {
      say('text written', box.style.willChange, box.style.getPropertyPriority('will-change'), computed());
      say('removed', box.style.removeProperty('will-change'), box.style.willChange, computed());
      box.style.setProperty('Will-Change', '-webkit-transform', 'important');
    } else if (n === 3) {
      say('set', box.style.willChange, computed());
      box.style.willChange = null;
      say('none', box.style.willChange, computed());
      box.style.willChange = 'auto';
      say('auto', box.style.willChange, computed());
      box.style.willChange = '';
    } else if (n === 4) {
      say('containing blocks', fixed.offsetParent === box, absolute.offsetParent === box);
      const { x, y } = below.getBoundingClientRect();
      say('stacking context', document.elementFromPoint(x + 1, y + 1).id);
      attribute.title = 'seen';
    } else if (n === 5) {
      say('observed', ...log);
      say('in markup', ...['attribute', 'Title', 'CAPITALS'].map((id) => /contain/.test(document.getElementById(id).getAttribute('style'))));
    }
  };`,
  `<style id="sheet">#box { will-change: transform; width: 20px; height: 9px; background: green }</style>
   <div id="box">
     <i id="fixed" style="position: fixed"></i><i id="absolute" style="position: absolute"></i>
     <div id="below" style="position: relative; z-index: -1; height: 5px"></div>
   </div>
   <div id="attribute" style="will-change: translate, foo-bar">text</div><b id="Title" style="Will-Change: scale"></b><b id="CAPITALS" style="WILL-CHANGE: SCALE"></b>`,
);

describe('hints for layers, which are rewritten', () => {
  it('are read as the page has written them, and make what they would make', async () => {
    const said = await pages.observeOnce(PAGE, { frameCount: 6 });
    assert.deepEqual(Object.fromEntries(said), {
      rule: [['transform', 'transform', 'will-change: transform; width: 20px; height: 9px; background: green;']],
      attribute: [['translate, foo-bar', 'translate, foo-bar']],
      written: [['transform, opacity', 'transform, opacity', 'transform, opacity', 'transform, opacity']],
      text: [['will-change: transform, opacity; color: red;']],
      'text written': [['scale, contents, top', 'important', 'scale, contents, top']],
      removed: [['scale, contents, top', '', 'transform']],
      set: [['-webkit-transform', '-webkit-transform']],
      none: [['', 'transform']],
      auto: [['auto', 'auto']],
      'containing blocks': [[true, true]],
      'stacking context': [['below']],
      observed: [['title']],
      'in markup': [[true, true, true]],
    });
  });
});
