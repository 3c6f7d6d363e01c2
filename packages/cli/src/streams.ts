/** Writes a line, unless the reader has left. */
export function writeLine(stream: NodeJS.WriteStream, line: string): void {
  if (!gone.has(stream)) stream.write(`${line}\n`);
}

/** Streams whose reader has left. The render goes on: its product is the file. */
const gone = new WeakSet<NodeJS.WriteStream>();

/** Keeps a reader that leaves (`genlock render … | head`) or a closed terminal from being a crash. */
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
