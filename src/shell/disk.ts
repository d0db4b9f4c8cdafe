// The file operations that saving consists of, one step each, so that a test can end the process between any two.
import {
  chmod,
  chown,
  type FileHandle,
  open,
  readdir,
  readFile,
  realpath,
  rename,
  stat,
  unlink,
} from 'node:fs/promises';

/** What is known of a file without reading it. Times are in milliseconds since 1970. */
export interface FileFacts {
  readonly isDirectory: boolean;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeMs: number;
}

/** An open file. Texts are byte strings: one character, one byte. */
export interface OpenFile {
  /** Write `text` at the beginning. */
  write(text: string): Promise<void>;
  truncate(bytes: number): Promise<void>;
  /** What was written is on the disk when this resolves. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** Every function rejects with the system's error (`code`). */
export interface Disk {
  read(path: string): Promise<string>;
  /** The names in a directory. */
  list(path: string): Promise<string[]>;
  /** Where a path leads when symbolic links are followed. */
  resolve(path: string): Promise<string>;
  facts(path: string): Promise<FileFacts>;
  /** A new file that nobody else may read; refused when there is one of that name. */
  create(path: string): Promise<OpenFile>;
  /** A file that is there, for writing. */
  open(path: string): Promise<OpenFile>;
  chmod(path: string, mode: number): Promise<void>;
  chown(path: string, uid: number, gid: number): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  /** Names made and removed in the directory are on the disk when this resolves. */
  syncDirectory(path: string): Promise<void>;
}

/** The disk of this machine. */
export const realDisk: Disk = {
  read: (path) => readFile(path, 'latin1'),
  list: (path) => readdir(path),
  resolve: (path) => realpath(path),
  async facts(path) {
    const found = await stat(path);
    const { uid, gid, mtimeMs } = found;
    return { isDirectory: found.isDirectory(), mode: found.mode & 0o7777, uid, gid, mtimeMs };
  },
  create: async (path) => openFile(await open(path, 'wx', 0o600)),
  open: async (path) => openFile(await open(path, 'r+')),
  chmod,
  chown,
  rename,
  unlink,
  async syncDirectory(path) {
    const handle = await open(path, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
};

function openFile(file: FileHandle): OpenFile {
  return {
    async write(text) {
      const bytes = Buffer.from(text, 'latin1');
      let written = 0;
      while (written < bytes.length)
        written += (await file.write(bytes, written, bytes.length - written, written)).bytesWritten;
    },
    truncate: (bytes) => file.truncate(bytes),
    sync: () => file.sync(),
    close: () => file.close(),
  };
}
