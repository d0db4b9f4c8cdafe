// A disk in memory that forgets what was not synced: what a process or a machine that dies leaves behind.
// Contents reach the platter with `sync`, names with `syncDirectory`; names that were not synced survive in order.
import type { Disk, FileFacts, OpenFile } from '../../src/shell/disk.ts';

interface Inode {
  text: string;
  /** What is sure to be there after a crash. */
  synced: string;
  mode: number;
}

type Names = Map<string, Inode>;

/** What of the unsynced survives: nothing, half of each content, everything. */
export type Survival = 'least' | 'torn' | 'most';
export const SURVIVALS: readonly Survival[] = ['least', 'torn', 'most'];

export interface FakeDisk extends Disk {
  /** The steps so far, as words. */
  readonly steps: string[];
  /** The files as a start after a crash now would find them, on a disk of their own. */
  afterCrash(survival: Survival, namesLost: number): FakeDisk;
  /** How many changes of names are not synced. */
  readonly unsyncedNames: number;
  readonly files: ReadonlyMap<string, string>;
}

export interface FakeDiskOptions {
  /** Refuse a step: the error's code. */
  refuse?(step: string): string | undefined;
  /** Called before each step; throws to end the process there. */
  before?(step: string): void;
}

/** A disk with these files on it, synced. */
export function createFakeDisk(files: Readonly<Record<string, string>>, options: FakeDiskOptions = {}): FakeDisk {
  const names: Names = new Map(Object.entries(files).map(([path, text]) => [path, inode(text, text)]));
  /** The names after each change since the last sync; the first entry is what is synced. */
  let history: Names[] = [new Map(names)];
  const steps: string[] = [];

  const take = (step: string) => {
    options.before?.(step);
    steps.push(step);
    const code = options.refuse?.(step);
    if (code !== undefined) throw systemError(code);
  };
  const need = (path: string) => {
    const found = names.get(path);
    if (found === undefined) throw systemError('ENOENT');
    return found;
  };
  const renamed = () => void history.push(new Map(names));

  const opened = (file: Inode, path: string): OpenFile => ({
    async write(text) {
      // A crash in the middle of the write leaves the first half of it.
      const half = Math.floor(text.length / 2);
      take(`write half of ${path}`);
      file.text = text.slice(0, half) + file.text.slice(half);
      take(`write ${path}`);
      file.text = text + file.text.slice(text.length);
    },
    async truncate(bytes) {
      take(`truncate ${path}`);
      file.text = file.text.slice(0, bytes);
    },
    async sync() {
      take(`sync ${path}`);
      file.synced = file.text;
    },
    async close() {
      take(`close ${path}`);
    },
  });

  return {
    steps,
    get unsyncedNames() {
      return history.length - 1;
    },
    get files() {
      return new Map([...names].map(([path, { text }]) => [path, text]));
    },
    afterCrash(survival, namesLost) {
      const left = history[Math.max(0, history.length - 1 - namesLost)] ?? new Map<string, Inode>();
      return createFakeDisk(Object.fromEntries([...left].map(([path, file]) => [path, surviving(file, survival)])));
    },
    async read(path) {
      take(`read ${path}`);
      return need(path).text;
    },
    async list(path) {
      take(`list ${path}`);
      return [...names.keys()].map((name) => name.slice(path.length + 1));
    },
    async resolve(path) {
      need(path);
      return path;
    },
    async facts(path): Promise<FileFacts> {
      return { isDirectory: false, mode: need(path).mode, uid: 0, gid: 0, mtimeMs: 0 };
    },
    async create(path) {
      take(`create ${path}`);
      if (names.has(path)) throw systemError('EEXIST');
      const file = inode('', '');
      names.set(path, file);
      renamed();
      return opened(file, path);
    },
    async open(path) {
      take(`open ${path}`);
      return opened(need(path), path);
    },
    async chmod(path, mode) {
      take(`chmod ${path}`);
      need(path).mode = mode;
    },
    async chown(path) {
      take(`chown ${path}`);
    },
    async rename(from, to) {
      take(`rename ${from} to ${to}`);
      const file = need(from);
      names.delete(from);
      names.set(to, file);
      renamed();
    },
    async unlink(path) {
      take(`unlink ${path}`);
      need(path);
      names.delete(path);
      renamed();
    },
    async syncDirectory(path) {
      take(`sync directory ${path}`);
      history = [new Map(names)];
    },
  };
}

function inode(text: string, synced: string): Inode {
  return { text, synced, mode: 0o600 };
}

/** Torn: the first half is new, the rest is as it was. */
function surviving({ text, synced }: Inode, survival: Survival): string {
  if (survival === 'least') return synced;
  if (survival === 'most') return text;
  const half = Math.floor(text.length / 2);
  return text.slice(0, half) + synced.slice(half);
}

function systemError(code: string): Error {
  return Object.assign(new Error(code), { code });
}
