import type { Control } from './control.js';

/** Knows what became of fonts that a script has made of addresses. */
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
    // What was only loaded is the script's to judge.
    const isDispensable = (font: FontFace) =>
      font.status === 'loaded' || (font.status === 'error' && !fontsInUse().has(font));
    return fonts.length > 0 && fonts.every(isDispensable);
  };
}
