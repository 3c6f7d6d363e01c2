import type { Control } from './control.js';

/**
 * A picture that is all there is in a layer of the compositor keeps the scale at which it was first drawn, until the
 * layer has grown beyond it or shrunk to a quarter. The frame would then depend on those that were drawn before it.
 * A layer with more in it follows its element. So each picture gets a clip of its own, 1/64 of a pixel outside of
 * what it covers: nothing is cut off, but something else stands in the layer.
 */
export function installPictureLayers(control: Control): void {
  const sheet = new CSSStyleSheet();
  // It weighs less than any rule of the page. By default the margin is `content-box`, without a length.
  sheet.replaceSync(':where(img, input, object, embed, video) { overflow-clip-margin: content-box 0.02px }');

  control.clipPictures = () => {
    // A page may have put sheets of its own in place of ours.
    for (const root of control.roots()) {
      // A tree that was moved into another document takes no sheet of this one.
      const isOurs = (root.ownerDocument ?? root) === document;
      if (isOurs && !root.adoptedStyleSheets.includes(sheet)) root.adoptedStyleSheets.push(sheet);
    }
  };
}
