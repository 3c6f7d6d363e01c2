import { Command, Option } from 'commander';
import type { RenderFlags, StillFlags, VerifyFlags } from './flags.js';
import type { CacheFlags } from './commands/cache.js';
import type { DoctorFlags } from './commands/doctor.js';
import type { SoakFlags } from './commands/soak.js';

/** What each command does. */
export interface Actions {
  render: (page: string | undefined, flags: RenderFlags) => Promise<void>;
  still: (page: string | undefined, flags: StillFlags) => Promise<void>;
  verify: (page: string | undefined, flags: VerifyFlags) => Promise<void>;
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

  Two seconds of a folder's index.html with four workers, and values for the page
    $ genlock render ./site -o part.mp4 --frames 60-119 --concurrency 4 --props '{"title":"Hello"}'

  Exactly the captured pixels, and a hash of each frame
    $ genlock render title.html -o exact.mkv --lossless --frame-hashes hashes.txt

A page declares itself with
  <script type="application/genlock+json">{"width":1920,"height":1080,"fps":30,"durationInSeconds":5}</script>
Flags override what it declares.

Ctrl-C stops everything and leaves nothing behind; a second Ctrl-C kills at once.
Exit codes: 0 done, 1 the render failed, 2 the request is wrong, 130 Ctrl-C, 143 SIGTERM.`;

const STILL_EXAMPLES = `
Examples:
  $ genlock still title.html --frame 0 -o first.png
  $ genlock still https://example.com --frame 45 -o f.png --width 1280 --height 720 --fps 30`;

const VERIFY_EXAMPLES = `
Draws samples of the page in four ways and compares every picture: one page that goes through the whole
composition; another one that does the same; a page for each sample, many at once; and a page for each
sample that is taken straight there by a jump. No video is made.

A page is deterministic when all but the jump draw the same. One that a jump draws differently has
state: renders take it through every frame, unless --entry seek tells them not to.

Examples:
  $ genlock verify title.html
  $ genlock verify ./site -o differences --samples 5 --sample-frames 4 --concurrency 4
  $ genlock verify https://example.com --width 1280 --height 720 --fps 30 --duration 5

Exit codes: 0 deterministic, 1 not, or the page failed, 2 the request is wrong, 130 Ctrl-C, 143 SIGTERM.`;

const SOAK_EXAMPLES = `
Each cycle starts a render and ends it in one of these ways, at a place that the seed decides:
nothing happens to it; it is aborted; the page throws, or never ends a loop; a browser, its page's
process or an encoder is killed; a browser is stopped; two workers fail at once; the process that
renders is killed itself. After each one nothing may be left: no process, zombie, file, descriptor,
listener or timer. The times are from the abort or the failure to that moment.

Examples:
  $ genlock soak
  $ genlock soak --cycles 300 --seed 1
  $ genlock soak --minutes 10 --concurrency 4 --seed 7
  $ genlock soak title.html --width 640 --height 360 --frames 60

The page's own faults are tried with a small page that is built in.
Exit codes: 0 clean, 1 something was left or came out wrong, 2 the request is wrong, 130 Ctrl-C.`;

/** The command line. Flags arrive at the actions as text: the options' one schema checks them. */
export function createProgram(version: string, actions: Actions): Command {
  const program = new Command('genlock')
    .description('Renders any web page to a video, with parallel workers that stop together.')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .exitOverride();

  const render = program.command('render').argument('[page]', PAGE).description('render a page to a video');
  render.optionsGroup('Output:').option('-o, --output <file>', 'the video: .mp4, .mov, .mkv or .webm');
  render.option('--overwrite', 'replace the file if it is there');
  addPicture(render);
  render
    .option('--duration <seconds>', 'length of the composition')
    .option('--frames <a-b>', 'only these frames, counted from 0, both included')
    .optionsGroup('Encoding:')
    .option('--codec <name>', 'h264, h265, vp9, av1 or prores (default: h264, vp9 for .webm)')
    .option('--crf <number>', 'constant quality: lower is better and larger')
    .option('--bitrate <rate>', 'bit rate such as 8M, instead of --crf')
    .option('--preset <name>', 'speed of the encoder, such as medium: slower, smaller files')
    .option('--pixel-format <name>', 'yuv420p, yuv422p, yuv444p, ...')
    .option('--lossless', 'keep exactly the captured RGB (.mkv or .mp4)')
    .option('--frame-hashes <file>', 'write the SHA-256 of each captured frame')
    .optionsGroup('Workers and tools:')
    .option('--concurrency <n>', 'number of workers (default: one for each core, at most 8)')
    .option('--chunk-frames <n>', 'length of a chunk (default: one for each worker up to 10 s of video each)')
    .option('--seams <way>', 'when two workers draw a frame differently: fail, or warn and go on (default: fail)')
    .option('--resume', 'keep finished chunks, and go on from those that a stopped render has kept')
    .addOption(new Option('--keep-chunks', 'the same as --resume').hideHelp())
    .addOption(cacheFolder())
    .option('--partial [file]', 'when stopped, save the finished part from the start (default: <name>.partial.<ext>)')
    .option('--retries <n>', 'begin a chunk again when its browser or encoder was killed (default: 0)')
    .option('--ffmpeg <path>', 'the ffmpeg to use (or GENLOCK_FFMPEG)');
  addEntry(render);
  addBrowser(render);
  addLimits(render);
  addOutput(render);
  render.addHelpText('after', RENDER_EXAMPLES).action((page: string | undefined, flags: RenderFlags) => {
    return actions.render(page, flags);
  });

  const still = program.command('still').argument('[page]', PAGE).description('draw one frame of a page as a PNG');
  still.optionsGroup('Output:').option('-o, --output <file>', 'the picture: .png');
  still.option('--overwrite', 'replace the file if it is there');
  addPicture(still);
  still.option('--frame <n>', 'the frame, counted from 0').option('--duration <seconds>', 'length of the composition');
  still.optionsGroup('Browser:');
  addEntry(still);
  addBrowser(still);
  addLimits(still);
  addOutput(still);
  still.addHelpText('after', STILL_EXAMPLES).action((page: string | undefined, flags: StillFlags) => {
    return actions.still(page, flags);
  });

  const verify = program
    .command('verify')
    .argument('[page]', PAGE)
    .description('say whether a page draws the same frames each time')
    .optionsGroup('Output:')
    .option('-o, --output <folder>', 'where pictures of what differs go (default: genlock-verify)');
  addPicture(verify);
  verify
    .option('--duration <seconds>', 'length of the composition')
    .optionsGroup('Samples:')
    .option('--samples <n>', 'number of ranges that are drawn, from the start to the end (default: 3)')
    .option('--sample-frames <n>', 'length of each in frames (default: 8)')
    .optionsGroup('Workers and browser:')
    .option('--concurrency <n>', 'number of workers (default: one for each core, at most 8)');
  addBrowser(verify);
  addLimits(verify);
  addOutput(verify);
  verify.addHelpText('after', VERIFY_EXAMPLES).action((page: string | undefined, flags: VerifyFlags) => {
    return actions.verify(page, flags);
  });

  program
    .command('soak')
    .argument('[page]', `${PAGE} (default: a small one that is built in)`)
    .description('stop renders in every way, again and again, and see that nothing is left')
    .optionsGroup('Length:')
    .option('--cycles <n>', 'number of cycles (default: 30)')
    .option('--minutes <n>', 'go on for so long, instead of --cycles')
    .optionsGroup('Cycles:')
    .option('--seed <n>', 'decides the order of the actions and their places (default: 1)')
    .option('--concurrency <n>', 'number of workers (default: 2)')
    .option('--width <pixels>', 'width of the page (default: 160)')
    .option('--height <pixels>', 'height of the page (default: 90)')
    .option('--fps <rate>', 'frames per second (default: 30)')
    .option('--frames <n>', 'number of frames of each render (default: 12)')
    .option('--no-host-kill', 'leave out the cycles that kill the process that renders')
    .addOption(noHardening())
    .optionsGroup('Tools:')
    .option('--browser <path>', 'the browser to use (or GENLOCK_BROWSER)')
    .option('--ffmpeg <path>', 'the ffmpeg to use (or GENLOCK_FFMPEG)')
    .optionsGroup('Messages:')
    .option('--json', 'print one cycle a line on stdout, and the verdict as the last line')
    .option('--quiet', 'print errors only')
    .addHelpText('after', SOAK_EXAMPLES)
    .action((page: string | undefined, flags: SoakFlags) => actions.soak(page, flags));

  const cache = program.command('cache').description('the chunks that `render --resume` has kept');
  cache
    .command('list', { isDefault: true })
    .description('list them, the most recently used first')
    .addOption(cacheFolder())
    .option('--json', 'print one line of JSON')
    .action((flags: CacheFlags) => actions.listCache(flags));
  cache
    .command('prune')
    .description('remove some of them')
    .addOption(cacheFolder())
    .option('--older-than <time>', 'those that were not used for so long: 12h, 7d, 2w')
    .option('--max-size <size>', 'the least recently used, until the rest takes no more: 500MB, 2GB')
    .option('--all', 'all of them')
    .option('--json', 'print one line of JSON')
    .action((flags: CacheFlags) => actions.pruneCache(flags));

  program
    .command('doctor')
    .description('say what is here to render with, and what to do about what is not')
    .option('--browser <path>', 'the browser to look at (or GENLOCK_BROWSER)')
    .option('--ffmpeg <path>', 'the ffmpeg to look at (or GENLOCK_FFMPEG)')
    .option('--json', 'print one line of JSON')
    .action((flags: DoctorFlags) => actions.doctor(flags));
  return program;
}

function addPicture(command: Command): void {
  command
    .optionsGroup('Composition (default: what the page declares):')
    .option('--width <pixels>', 'width of the page')
    .option('--height <pixels>', 'height of the page')
    .option('--fps <rate>', 'frames per second: 30, 23.976, 30000/1001')
    .option('--scale <factor>', 'pixels of video per CSS pixel (default: 1)')
    .option('--props <json|file>', 'window.genlock.props: a JSON object, or a file that holds one')
    .option('--seed <n>', "seed of the page's random numbers (default: 0)")
    .option('--time-zone <name>', "time zone of the page's dates, such as Europe/Berlin (default: UTC)")
    .option('--locale <tag>', "language of the page's dates and numbers (default: en-US)");
}

function addEntry(command: Command): void {
  command.option('--entry <way>', 'how a worker comes to its first frame: auto, seek, replay or draw (default: auto)');
}

function addBrowser(command: Command): void {
  command
    .option('--mode <name>', 'how frames are captured: auto, canvas, compositor or screenshot (default: auto)')
    .option('--fast', 'let x264 take half to two thirds of its time: no less quality, files about twice as large')
    .option('--webgl <name>', 'what draws WebGL: auto, llvmpipe (if installed) or swiftshader (default: auto)')
    .option('--root <folder>', "the folder that is served with a local page (default: the page's own)")
    .option('--allow-dotfiles', 'serve files and folders of a local page whose names begin with a dot, too')
    .option('--allow-missing-assets', 'go on when a file that the page needs does not load')
    .option('--ignore-https-errors', 'accept certificates that nobody vouches for, such as self-signed ones')
    .option('--browser <path>', 'the browser to use (or GENLOCK_BROWSER)')
    .addOption(
      new Option('--browser-arg <switch>', 'one more switch for the browser; can be repeated').argParser(addToList),
    )
    .option('--no-begin-frame', 'capture with plain screenshots, as other browsers must')
    .addOption(noHardening());
}

function cacheFolder(): Option {
  return new Option(
    '--cache <folder>',
    "where chunks are kept (or GENLOCK_CACHE; default: the user's folder for caches)",
  );
}

function noHardening(): Option {
  return new Option('--no-hardening', 'do not let the kernel end processes with this one (setpriv, unshare)');
}

function addLimits(command: Command): void {
  command
    .optionsGroup('Limits (everything stops when one is passed):')
    .option('--timeout <time>', 'how long it may take in all: 90 or 90s, 500ms, 10m (default: no limit)')
    .addOption(
      new Option(
        '--deadline <phase=time>',
        'how long one wait may be; can be repeated: launch, load, seek, capture (30 each), ' +
          'encode (60), drain (120), verify, concat (600 each), stop (10)',
      ).argParser(addToList),
    )
    .option('--max-memory <MB>', 'memory of a worker with all its processes (default: no limit)')
    .option('--min-free-disk <MB>', 'disk space to leave free, before and during (default: no limit)');
}

function addToList(value: string, list: string[] | undefined): string[] {
  return [...(list ?? []), value];
}

function addOutput(command: Command): void {
  command
    .optionsGroup('Messages:')
    .option('--json', 'print one event a line on stdout, and the report as the last line')
    .option('--quiet', 'print errors only')
    .option('--verbose', "print the page's console, phases and processes too");
}
