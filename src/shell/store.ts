// The configuration file on disk: read, and replaced whole. After a crash at any instant it is the old text or the new.
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import {
  access,
  chmod,
  chown,
  type FileHandle,
  open,
  readFile,
  realpath,
  rename,
  stat,
  unlink,
} from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

export interface Store {
  /** The present text as a byte string (one character, one byte); empty when the file is gone. */
  read(): Promise<string>;
  /** Replace the text: on disk when the promise resolves. Rejects with the system's words for what failed. */
  write(text: string): Promise<void>;
}

/**
 * These say that the file cannot be replaced but may be written: a bind mount, a read-only or foreign directory.
 * Differs: the genuine server cannot save there at all (TS-D7).
 */
const NOT_REPLACEABLE = new Set(['EBUSY', 'EXDEV', 'EACCES', 'EPERM', 'EROFS']);

/** Keep the file at `path`. `warn` hears, once, that it has to be written in place. */
export function createStore(path: string, warn: (text: string) => void): Store {
  let toldInPlace = false;
  return {
    async read() {
      return await readFile(path, 'latin1').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return '';
        throw plain(error);
      });
    },
    async write(text) {
      // Differs: a symbolic link stays one, and its target is replaced; the genuine server replaces the link (TS-D6).
      const target = await realpath(path).catch(() => path);
      try {
        await replace(target, text);
      } catch (error) {
        if (!isSystemError(error)) throw error;
        if (!NOT_REPLACEABLE.has(error.code ?? '')) throw plain(error);
        await overwrite(target, text);
        if (!toldInPlace) warn(`The configuration file can't be replaced (${words(error)}): it is written in place`);
        toldInPlace = true;
      }
    },
  };
}

/** Is `path` a file that can be read and written? The system's words for why not, or `undefined`. */
export async function whyNotWritable(path: string): Promise<string | undefined> {
  try {
    await access(path, constants.W_OK);
    return (await stat(path)).isDirectory() ? 'Is a directory' : undefined;
  } catch (error) {
    if (isSystemError(error)) return words(error);
    throw error;
  }
}

/** Write beside it, sync, rename over it, sync the directory: the name always leads to a whole text. */
async function replace(path: string, text: string): Promise<void> {
  const old = await stat(path).catch(() => undefined);
  if (old?.isDirectory()) throw Object.assign(new Error('Is a directory'), { code: 'EISDIR' });
  const directory = dirname(path);
  const temporary = join(directory, `${basename(path)}.${randomBytes(3).toString('hex')}`);
  const file = await open(temporary, 'wx', 0o600);
  try {
    await writeAndSync(file, text);
    // Never wider than before: the file holds passwords (TS-D6). A new one gets what the umask leaves.
    await chmod(temporary, old === undefined ? 0o644 & ~process.umask() : old.mode & 0o7777);
    if (old !== undefined) await chown(temporary, old.uid, old.gid).catch(() => undefined);
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function overwrite(path: string, text: string): Promise<void> {
  const file = await open(path, 'r+').catch((error: NodeJS.ErrnoException) => {
    throw plain(error);
  });
  try {
    await writeAndSync(file, text);
  } finally {
    await file.close().catch(() => undefined);
  }
}

async function writeAndSync(file: FileHandle, text: string): Promise<void> {
  const bytes = Buffer.from(text, 'latin1');
  let written = 0;
  while (written < bytes.length)
    written += (await file.write(bytes, written, bytes.length - written, written)).bytesWritten;
  await file.truncate(bytes.length);
  await file.sync();
  await file.close();
}

/** Did the system refuse something? */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error;
}

const WORDS: Readonly<Record<string, string>> = {
  EACCES: 'Permission denied',
  EBUSY: 'Device or resource busy',
  EISDIR: 'Is a directory',
  ENOENT: 'No such file or directory',
  ENOSPC: 'No space left on device',
  ENOTDIR: 'Not a directory',
  EPERM: 'Operation not permitted',
  EROFS: 'Read-only file system',
  EXDEV: 'Invalid cross-device link',
  EIO: 'Input/output error',
  EDQUOT: 'Disk quota exceeded',
  EMFILE: 'Too many open files',
  ENAMETOOLONG: 'File name too long',
  EADDRINUSE: 'Address already in use',
  EADDRNOTAVAIL: 'Cannot assign requested address',
};

/** The C library's words for a system error, which operators know and grep for. */
export function words(error: NodeJS.ErrnoException): string {
  return WORDS[error.code ?? ''] ?? error.message;
}

function plain(error: NodeJS.ErrnoException): Error {
  return new Error(words(error), { cause: error });
}
