import { Command, Option } from 'commander';
import type { PageFlags } from './flags.js';
import { OPTION_FLAGS, SECTIONS, type FlaggedOption, type OptionFlag } from './optionFlags.js';
import type { CacheFlags } from './commands/cache.js';
import type { DoctorFlags } from './commands/doctor.js';
import type { SoakFlags } from './commands/soak.js';

/** What each command does. */
export interface Actions {
  render: (page: string | undefined, flags: PageFlags) => Promise<void>;
  still: (page: string | undefined, flags: PageFlags) => Promise<void>;
  verify: (page: string | undefined, flags: PageFlags) => Promise<void>;
  soak: (page: string | undefined, flags: SoakFlags) => Promise<void>;
  listCache: (flags: CacheFlags) => Promise<void>;
  pruneCache: (flags: CacheFlags) => Promise<void>;
  doctor: (flags: DoctorFlags) => Promise<void>;
}

const PAGE = 'an address (http:, https:, file:, data:), an HTML or SVG file, or a folder with index.html';

const RENDER_EXAMPLES = `
Examples:
  A page that declares its size, rate and length itself
    $ genlock render title.html -o title.mp4

  Any page, with the size, rate and length given here
    $ genlock render https://example.com -o page.mp4 --width 1280 --height 720 --fps 30 --duration 5

  Two seconds of a folder's index.html, with four workers and values for the page
    $ genlock render ./site -o part.mp4 --frames 60-119 --concurrency 4 --props '{"title":"Hello"}'

  Exactly the captured pixels, with a hash of each frame
    $ genlock render title.html -o exact.mkv --lossless --frame-hashes hashes.txt

A page declares its size, rate and length with
  <script type="application/genlock+json">{"width":1920,"height":1080,"fps":30,"durationInSeconds":5}</script>
Flags override what the page declares.

Ctrl-C stops everything and leaves nothing behind; a second Ctrl-C kills at once.
Exit codes: 0 done, 1 render failed, 2 invalid request, 130 Ctrl-C, 143 SIGTERM.`;

const STILL_EXAMPLES = `
Examples:
  $ genlock still title.html --frame 0 -o first.png
  $ genlock still https://example.com --frame 45 -o f.png --width 1280 --height 720 --fps 30`;

const VERIFY_EXAMPLES = `
Draws samples of the page in four ways and compares every picture: in one page that goes through the
whole composition; in a second page that does the same; in a separate page for each sample, many at
once; and in a page for each sample that jumps straight there. No video is made.

A page is deterministic if the first three ways draw the same pictures. If only the jump differs, the
page has state: renders take it through every frame, unless --entry seek tells them not to.

Examples:
  $ genlock verify title.html
  $ genlock verify ./site -o differences --samples 5 --sample-frames 4 --concurrency 4
  $ genlock verify https://example.com --width 1280 --height 720 --fps 30 --duration 5

Exit codes: 0 deterministic, 1 not deterministic or failed, 2 invalid request, 130 Ctrl-C, 143 SIGTERM.`;

const SOAK_EXAMPLES = `
Each cycle starts a render and ends it in one of these ways, at a moment chosen by the seed: it runs to
its end; it is aborted; the page throws, or loops forever; a browser, the process of its page or an
encoder is killed; a browser is suspended; two workers fail at once; the rendering process itself is
killed. After each cycle nothing may be left: no process, zombie, file, descriptor, listener or timer.
Times are measured from the abort or failure until nothing is left.

Examples:
  $ genlock soak
  $ genlock soak --cycles 300 --seed 1
  $ genlock soak --minutes 10 --concurrency 4 --seed 7
  $ genlock soak title.html --width 640 --height 360 --frames 60

Cycles in which the page fails use a small built-in page.
Exit codes: 0 clean, 1 something was left or went wrong, 2 invalid request, 130 Ctrl-C.`;

/** Builds the command line. The actions receive flags as text: the options' schema checks them. */
export function createProgram(version: string, actions: Actions): Command {
  const program = new Command('genlock')
    .description('Renders any web page to a video, with parallel workers that stop together.')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .exitOverride();

  const render = program.command('render').argument('[page]', PAGE).description('render a page to a video');
  render.optionsGroup('Output:').option('-o, --output <file>', 'the video: .mp4, .mov, .mkv or .webm');
  addOverwrite(render);
  addComposition(render);
  addFlags(render, SECTIONS.length, SECTIONS.range);
  addFlags(render.optionsGroup('Encoding:'), SECTIONS.encoding);
  addFlags(render.optionsGroup('Workers and tools:'), SECTIONS.workers, SECTIONS.chunks, SECTIONS.entry);
  addBrowser(render);
  addLimits(render);
  addOutput(render);
  render.addHelpText('after', RENDER_EXAMPLES).action(actions.render);

  const still = program.command('still').argument('[page]', PAGE).description('draw one frame of a page as a PNG');
  still.optionsGroup('Output:').option('-o, --output <file>', 'the picture: .png');
  addOverwrite(still);
  addComposition(still);
  addFlags(still, SECTIONS.frame, SECTIONS.length);
  addFlags(still.optionsGroup('Browser:'), SECTIONS.entry);
  addBrowser(still);
  addLimits(still);
  addOutput(still);
  still.addHelpText('after', STILL_EXAMPLES).action(actions.still);

  const verify = program
    .command('verify')
    .argument('[page]', PAGE)
    .description('check whether a page draws the same frames every time')
    .optionsGroup('Output:')
    .option('-o, --output <folder>', 'folder for pictures of the differences (default: genlock-verify)');
  addComposition(verify);
  addFlags(verify, SECTIONS.length);
  addFlags(verify.optionsGroup('Samples:'), SECTIONS.samples);
  addFlags(verify.optionsGroup('Workers and browser:'), SECTIONS.workers);
  addBrowser(verify);
  addLimits(verify);
  addOutput(verify);
  verify.addHelpText('after', VERIFY_EXAMPLES).action(actions.verify);

  program
    .command('soak')
    .argument('[page]', `${PAGE} (default: a small built-in page)`)
    .description('stop renders in every possible way, many times, and check that nothing is left')
    .optionsGroup('Length:')
    .option('--cycles <n>', 'number of cycles (default: 30)')
    .option('--minutes <n>', 'run for this long, instead of --cycles')
    .optionsGroup('Cycles:')
    .addOption(flagFor('randomSeed', 'determines which action happens when and where (default: 1)'))
    .addOption(flagFor('concurrency', 'number of workers (default: 2)'))
    .addOption(flagFor('width', 'width of the page (default: 160)'))
    .addOption(flagFor('height', 'height of the page (default: 90)'))
    .addOption(flagFor('fps', 'frames per second (default: 30)'))
    .option('--frames <n>', 'frames per render (default: 12)')
    .option('--no-host-kill', 'leave out the cycles that kill the rendering process')
    .addOption(flagFor('hardening'))
    .optionsGroup('Tools:')
    .addOption(flagFor('browserConfig.executablePath'))
    .addOption(flagFor('ffmpegPath'))
    .optionsGroup('Messages:')
    .option('--json', 'print each cycle as a JSON line on stdout, and the verdict as the last line')
    .option('--quiet', 'print errors only')
    .addHelpText('after', SOAK_EXAMPLES)
    .action(actions.soak);

  const cache = program.command('cache').description('manage the chunks that `render --resume` has kept');
  cache
    .command('list', { isDefault: true })
    .description('list the kept chunks, most recently used first')
    .addOption(flagFor('cacheDirectory'))
    .option('--json', 'print one line of JSON')
    .action(actions.listCache);
  cache
    .command('prune')
    .description('remove kept chunks')
    .addOption(flagFor('cacheDirectory'))
    .option('--older-than <time>', 'remove chunks not used for this long: 12h, 7d, 2w')
    .option('--max-size <size>', 'remove the least recently used until the rest fits: 500MB, 2GB')
    .option('--all', 'remove all of them')
    .option('--json', 'print one line of JSON')
    .action(actions.pruneCache);

  program
    .command('doctor')
    .description('check that everything a render needs is installed, and say how to install the rest')
    .addOption(flagFor('browserConfig.executablePath', 'the browser to check (or GENLOCK_BROWSER)'))
    .addOption(flagFor('ffmpegPath', 'the ffmpeg to check (or GENLOCK_FFMPEG)'))
    .option('--json', 'print one line of JSON')
    .action(actions.doctor);
  return program;
}

function addOverwrite(command: Command): void {
  command.option('--overwrite', 'replace the file if it exists');
}

function addComposition(command: Command): void {
  addFlags(command.optionsGroup('Composition (default: what the page declares):'), SECTIONS.composition);
}

function addBrowser(command: Command): void {
  addFlags(command, SECTIONS.capture);
  command
    .option('--root <folder>', "folder to serve with a local page (default: the page's own)")
    .option('--allow-dotfiles', 'also serve files and folders of a local page whose names begin with a dot');
  addFlags(command, SECTIONS.browser);
}

function addLimits(command: Command): void {
  addFlags(command.optionsGroup('Limits (exceeding one stops everything):'), SECTIONS.limits);
}

/** Adds the flags of these sections, with their aliases. */
function addFlags(command: Command, ...sections: Readonly<Record<string, OptionFlag | { by: string }>>[]): void {
  for (const entry of sections.flatMap((section) => Object.values(section))) {
    if (!('flag' in entry)) continue;
    command.addOption(optionOf(entry));
    if (entry.alias !== undefined) command.addOption(new Option(entry.alias).hideHelp());
  }
}

/** The flag of an option, with help text for this command if it differs. */
function flagFor(name: FlaggedOption, help: string = OPTION_FLAGS[name].help): Option {
  return optionOf({ ...OPTION_FLAGS[name], help });
}

function optionOf({ flag, help, read }: OptionFlag): Option {
  const option = new Option(flag, help);
  return read === 'list' || read === 'times' ? option.argParser(addToList) : option;
}

function addToList(value: string, list: string[] | undefined): string[] {
  return [...(list ?? []), value];
}

function addOutput(command: Command): void {
  command
    .optionsGroup('Messages:')
    .option('--json', 'print events as JSON lines on stdout, and the report as the last line')
    .option('--quiet', 'print errors only')
    .option('--verbose', "also print the page's console, phases and processes");
}
