import type { Control } from './control.js';

/**
 * A sheet of our own, for what the browser would otherwise draw by what it drew before, or by real time. It weighs
 * less than any rule of the page.
 */
export function installOwnSheet(control: Control): void {
  const sheet = new CSSStyleSheet();
  control.ownSheet = sheet;
  sheet.replaceSync(`
    /*
     * A picture that is all there is in a layer of the compositor keeps the scale at which it was first drawn, until
     * the layer has grown beyond it or shrunk to a quarter. A layer with more in it follows its element. So each
     * picture gets a clip of its own, 1/64 of a pixel outside of what it covers: nothing is cut off, but something else
     * stands in the layer. (By default the margin is "content-box", without a length.)
     */
    :where(img, input, object, embed, video) {
      overflow-clip-margin: content-box 0.02px;
    }

    /*
     * What has no value moves by a timer of the browser's. This one moves by the clock: by a property of the element,
     * since nobody can find the animations of the parts that a browser makes it of.
     */
    @layer genlock {
      :where(progress:indeterminate) {
        appearance: none;
        animation: genlock-progress 2s ease-in-out infinite alternate;
      }
      :where(progress:indeterminate)::-webkit-progress-bar {
        background: linear-gradient(#0075ff 0 0) var(--genlock-progress) 0 / 25% 100% no-repeat #e6e6e6;
      }
    }
    @property --genlock-progress {
      syntax: '<percentage>';
      inherits: true;
      initial-value: 0%;
    }
    @keyframes genlock-progress {
      to {
        --genlock-progress: 100%;
      }
    }`);

  control.adoptOwnSheet = () => {
    for (const root of control.roots()) {
      // A tree that was moved into another document takes no sheet of this one.
      const isOurs = (root.ownerDocument ?? root) === document;
      // A page may have put sheets of its own in place of ours.
      if (isOurs && !root.adoptedStyleSheets.includes(sheet)) root.adoptedStyleSheets.push(sheet);
    }
  };
}
