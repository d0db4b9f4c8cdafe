// The configuration file on disk: read, and replaced whole. After a crash at any instant it is the old text or the new.
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type Disk, type FileFacts, type OpenFile, realDisk } from './disk.ts';

export interface Store {
  /** The present text as a byte string (one character, one byte); empty when the file is gone. */
  read(): Promise<string>;
  /** Replace the text: on disk when the promise resolves. Rejects with `SaveError`. */
  write(text: string): Promise<void>;
}

/**
 * These say that the file cannot be replaced but may be written: a bind mount, a read-only or foreign directory.
 * Differs: the genuine server cannot save there at all (TS-D7).
 */
const NOT_REPLACEABLE = new Set(['EBUSY', 'EXDEV', 'EACCES', 'EPERM', 'EROFS']);

/** The whole new text of a file that is being written in place; a start that finds it finishes the work. */
const PENDING = '.pending';
/** Where such a text stands for the file at `path`. */
export const pendingPath = (path: string): string => path + PENDING;
/** What a start that finished such work found in the file. */
const REPLACED = '.replaced';
/**
 * The temporary files that a crash may leave behind; no name that a person would give to a copy of the file. Those of
 * the genuine server (six characters) are left alone: `sentinel.conf.backup` and `sentinel.conf.251126` look the same.
 */
const temporaryName = (name: string) => `${name}.ts-sentinel-${randomBytes(3).toString('hex')}`;
const TEMPORARY = /^\.ts-sentinel-[0-9a-f]{6}$/;

/** Keep the file at `path`. `warn` hears, once in a row, what fails and that the file has to be written in place. */
export function createStore(path: string, warn: (text: string) => void, disk: Disk = realDisk): Store {
  let told = new Set<string>();
  const tell = (text: string) => {
    if (!told.has(text)) warn(text);
    told.add(text);
  };
  return {
    async read() {
      return await disk.read(path).catch((error: unknown) => {
        if (isSystemError(error) && error.code === 'ENOENT') return '';
        throw plain(error);
      });
    },
    async write(text) {
      // Differs: a symbolic link stays one, and its target is replaced; the genuine server replaces the link (TS-D6).
      const target = await disk.resolve(path).catch(() => path);
      const inPlace = await save(disk, target, text, tell);
      // What failed before and works again is told again when it fails again.
      if (!inPlace) told = new Set();
    },
  };
}

/** Replace the file, or write it in place where it cannot be replaced (returns true then). */
async function save(disk: Disk, path: string, text: string, tell: (text: string) => void): Promise<boolean> {
  const old = await disk.facts(path).catch(() => undefined);
  if (old?.isDirectory) throw plain(Object.assign(new Error('Is a directory'), { code: 'EISDIR' }));
  let temporary: string | undefined;
  try {
    temporary = await writeBeside(disk, path, text, old);
    await step('Could not rename tmp config file', disk.rename(temporary, path));
    await step('Could not sync config file dir', syncNames(disk, dirname(path)));
    return false;
  } catch (error) {
    const { cause } = error as Error;
    if (!isSystemError(cause)) throw error;
    if (!NOT_REPLACEABLE.has(cause.code ?? '')) {
      if (temporary !== undefined) await discard(disk, temporary);
      tell((error as Error).message);
      throw plain(cause);
    }
    tell(`The configuration file can't be replaced (${words(cause)}): it is written in place`);
    await overwrite(disk, path, text, temporary);
    return true;
  }
}

/** The whole text in a file of another name beside it, synced; returns its path. Nothing is left when that fails. */
async function writeBeside(disk: Disk, path: string, text: string, old: FileFacts | undefined): Promise<string> {
  const temporary = join(dirname(path), temporaryName(basename(path)));
  const file = await step('Could not create tmp config file', disk.create(temporary));
  try {
    await writeAndSync(file, text);
    // Never wider than before: the file holds passwords (TS-D6). A new one gets what the umask leaves.
    const mode = old === undefined ? 0o644 & ~process.umask() : old.mode;
    await step('Could not chmod config file', disk.chmod(temporary, mode));
    if (old !== undefined) await giveTo(disk, temporary, old);
  } catch (error) {
    await discard(disk, temporary);
    throw error;
  }
  return temporary;
}

/**
 * Give the file the owner and group of the one that it replaces. Only where they differ: most may not call `chown`, and
 * under a filter of system calls the call itself ends the process.
 */
async function giveTo(disk: Disk, path: string, { uid, gid }: FileFacts): Promise<void> {
  const now = await disk.facts(path).catch(() => undefined);
  if (now?.uid === uid && now.gid === gid) return;
  await disk.chown(path, uid, gid).catch(() => undefined);
}

/**
 * Write over the file. Where its directory lets us keep a second file, a crash in the middle loses nothing: the new text
 * stands there whole until it stands here whole.
 */
async function overwrite(disk: Disk, path: string, text: string, whole: string | undefined): Promise<void> {
  const pending = path + PENDING;
  const safe =
    whole !== undefined &&
    (await disk
      .rename(whole, pending)
      .then(() => syncNames(disk, dirname(path)))
      .then(
        () => true,
        () => false,
      ));
  if (whole !== undefined && !safe) await discard(disk, whole);
  const file = await disk.open(path).catch((error: unknown) => {
    throw plain(error);
  });
  try {
    await writeAndSync(file, text);
  } catch (error) {
    throw plain(error instanceof Error && isSystemError(error.cause) ? error.cause : error);
  }
  if (safe) await discard(disk, pending);
}

/** With these a file system says that it has no such thing as syncing a directory; what can be done has been done then. */
const NOT_SYNCABLE = new Set(['EINVAL', 'EBADF', 'ENOTSUP']);

/** Differs: redis-sentinel 7.0.15 takes the third of those answers for a save that failed. */
async function syncNames(disk: Disk, directory: string): Promise<void> {
  await disk.syncDirectory(directory).catch((error: unknown) => {
    if (!isSystemError(error) || !NOT_SYNCABLE.has(error.code ?? '')) throw error;
  });
}

async function writeAndSync(file: OpenFile, text: string): Promise<void> {
  try {
    await step('Could not write tmp config file', file.write(text));
    await step('Could not truncate tmp config file', file.truncate(text.length));
    await step('Could not sync tmp config file to disk', file.sync());
  } finally {
    await file.close().catch(() => undefined);
  }
}

const discard = (disk: Disk, path: string) => disk.unlink(path).catch(() => undefined);

/** The genuine server names the step that failed; the system's error stays as the cause. */
async function step<T>(failure: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw new Error(`${failure} (${words(error)})`, { cause: error });
  }
}

/**
 * Finish what a crash cut short, before the file is read: a text that was being written in place is written again, and
 * temporary files of former saves are removed (TS-D8) if they are older than the file and belong to its owner.
 * Returns what the log should say.
 */
export async function recover(path: string, disk: Disk = realDisk): Promise<string[]> {
  const target = await disk.resolve(path).catch(() => path);
  const told: string[] = [];
  const pending = await disk.read(target + PENDING).catch(() => undefined);
  if (pending !== undefined) told.push(...(await finish(disk, target, pending)));
  const facts = await disk.facts(target).catch(() => undefined);
  const names = await disk.list(dirname(target)).catch(() => []);
  const temporary = names.filter(
    (name) => name.startsWith(basename(target)) && TEMPORARY.test(name.slice(basename(target).length)),
  );
  for (const name of facts === undefined ? [] : temporary) {
    const other = await disk.facts(join(dirname(target), name)).catch(() => undefined);
    if (facts === undefined || other === undefined || other.isDirectory) continue;
    if (other.uid !== facts.uid || other.mtimeMs > facts.mtimeMs) continue;
    await discard(disk, join(dirname(target), name));
    told.push(`Removed ${name}, left behind by a save that was cut short`);
  }
  return told;
}

async function finish(disk: Disk, path: string, text: string): Promise<string[]> {
  const found = await disk.read(path).catch(() => undefined);
  const told: string[] = [];
  if (found !== undefined && found !== text) {
    const kept = path + REPLACED;
    await discard(disk, kept);
    const copy = await disk.create(kept);
    await writeAndSync(copy, found);
    const file = await disk.open(path);
    await writeAndSync(file, text);
    told.push(`A save was cut short: ${path} has its text again; what was found there is in ${kept}`);
  }
  if (found !== undefined) await discard(disk, path + PENDING);
  return told;
}

/** Is `path` a file that can be read and written? The system's words for why not, or `undefined`. */
export async function whyNotWritable(path: string): Promise<string | undefined> {
  try {
    await access(path, constants.W_OK);
    return (await realDisk.facts(path)).isDirectory ? 'Is a directory' : undefined;
  } catch (error) {
    if (isSystemError(error)) return words(error);
    throw error;
  }
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

/** The disk refuses a save; the message is the system's, its error the cause. Anything else is our own error. */
export class SaveError extends Error {
  override readonly name = 'SaveError';
}

/** The C library's words for a system error, which operators know and grep for. */
export function words(error: NodeJS.ErrnoException): string {
  return WORDS[error.code ?? ''] ?? error.message;
}

function plain(error: unknown): Error {
  if (!isSystemError(error)) throw error;
  return new SaveError(words(error), { cause: error });
}
