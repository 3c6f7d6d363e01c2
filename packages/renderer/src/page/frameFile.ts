/** A storage bucket, which TypeScript's library does not declare yet. */
interface Bucket {
  getDirectory(): Promise<FileSystemDirectoryHandle>;
}

/** A `FileSystemSyncAccessHandle`, which TypeScript declares only for workers. */
interface OpenFile {
  write(data: Uint8Array<ArrayBuffer>, options?: { at: number }): number;
}

/**
 * Returns a function that writes a frame to a file in the browser's profile, and resolves to false if there is no file,
 * as in a profile without a disk, or no space. If possible, the file is in a bucket that the page does not use. The
 * server recognizes it by its content, which starts with its name; `isFound` asks whether it has. Runs in the worker.
 * Sent there as source text, like everything in this folder.
 */
export function frameFile(
  name: string,
  isFound: () => Promise<boolean>,
): (bytes: Uint8Array<ArrayBuffer>) => Promise<boolean> {
  let file: Promise<OpenFile | undefined> | undefined;

  const open = async (): Promise<OpenFile | undefined> => {
    const { storageBuckets } = navigator as { storageBuckets?: { open(name: string): Promise<Bucket> } };
    const bucket = (await storageBuckets?.open('genlock')) ?? navigator.storage;
    // The name is unique: an earlier worker may still have its own file open.
    const entry = await (await bucket.getDirectory()).getFileHandle(name, { create: true });
    const opened = await (entry as unknown as { createSyncAccessHandle(): Promise<OpenFile> }).createSyncAccessHandle();
    opened.write(new TextEncoder().encode(name));
    return (await isFound()) ? opened : undefined;
  };

  return async (bytes) => {
    try {
      file ??= open();
      return (await file)?.write(bytes, { at: 0 }) === bytes.byteLength;
    } catch {
      file = Promise.resolve(undefined);
      return false;
    }
  };
}
