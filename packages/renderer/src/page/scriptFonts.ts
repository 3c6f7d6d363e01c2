import type { Control } from './control.js';

/** Keeps track of the fonts that scripts have created from URLs. */
export function installScriptFonts(control: Control): void {
  if (typeof FontFace === 'undefined') return;
  const made: { font: FontFace; source: string }[] = [];

  globalThis.FontFace = new Proxy(FontFace, {
    construct(target, args: unknown[], newTarget: typeof FontFace) {
      const font = Reflect.construct(target, args, newTarget) as FontFace;
      if (typeof args[1] === 'string') made.push({ font, source: args[1] });
      return font;
    },
  });

  const fontsInUse = () =>
    typeof document === 'undefined' ? (globalThis as unknown as { fonts: FontFaceSet }).fonts : document.fonts;

  control.isFontDispensable = (url) => {
    const name = url.slice(url.lastIndexOf('/') + 1);
    const fonts = made.filter(({ source }) => source.includes(name)).map(({ font }) => font);
    // A font that failed and is not in use is left to the script that loaded it.
    const isDispensable = (font: FontFace) =>
      font.status === 'loaded' || (font.status === 'error' && !fontsInUse().has(font));
    return fonts.length > 0 && fonts.every(isDispensable);
  };
}
