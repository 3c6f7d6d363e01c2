import type { Control } from './control.js';

/**
 * Our own style sheet, for what the browser would otherwise draw depending on earlier frames or on real time. Its rules
 * have a lower precedence than any rule of the page.
 */
export function installOwnSheet(control: Control): void {
  const sheet = new CSSStyleSheet();
  control.ownSheet = sheet;
  sheet.replaceSync(`
    /*
     * An image that is the only content of a compositor layer keeps the scale at which it was first drawn, until the
     * layer has grown beyond that or shrunk to a quarter. A layer with other content follows its element. So each image
     * gets a clip of its own, 1/64 of a pixel outside its box: this cuts nothing off, but adds to the content of the
     * layer. (By default the margin is "content-box", without a length.)
     */
    :where(img, input, object, embed, video) {
      overflow-clip-margin: content-box 0.02px;
    }

    /*
     * The browser animates a progress bar without a value by a timer. This one follows the clock. It is animated by a
     * property of the element itself, since animations of its browser-made parts cannot be found.
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
      // A tree that was moved into another document cannot adopt a sheet of this one.
      const isOurs = (root.ownerDocument ?? root) === document;
      // The page may have replaced all adopted sheets by its own.
      if (isOurs && !root.adoptedStyleSheets.includes(sheet)) root.adoptedStyleSheets.push(sheet);
    }
  };
}
