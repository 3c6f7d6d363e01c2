/** Writes a line, unless the stream's reader has gone. */
export function writeLine(stream: NodeJS.WriteStream, line: string): void {
  if (!gone.has(stream)) stream.write(`${line}\n`);
}

/** Streams whose reader has gone. The render continues, since its result is the file. */
const gone = new WeakSet<NodeJS.WriteStream>();

/** Prevents a crash when a reader goes away (`genlock render … | head`) or the terminal is closed. */
export function tolerateLostReaders(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (gone.has(stream)) return;
      gone.add(stream);
      if (error.code === 'EPIPE' || error.code === 'EIO' || error.code === 'ERR_STREAM_DESTROYED') return;
      process.exitCode = 1;
      if (stream === process.stdout) writeLine(process.stderr, `error: cannot write the result: ${error.message}`);
    });
  }
}
