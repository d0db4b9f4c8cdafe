// The ACL file on disk: read when it is asked for, replaced whole, and synced before anybody is told.
import { existsSync, readFileSync } from 'node:fs';
import type { AclFile } from '../commands/acl/access.ts';
import type { FileText } from '../config/load-users.ts';
import { fromBytes } from './bytes.ts';
import { type Disk, realDisk } from './disk.ts';
import { createStore, isSystemError, pendingPath, SaveError, words } from './store.ts';

/** Its text as a byte string. One that a crash cut short in the middle of a save is read as it was to be. */
export function readAclFile(name: string): FileText {
  const path = fromBytes(name);
  try {
    const whole = existsSync(pendingPath(path)) ? pendingPath(path) : path;
    return { text: readFileSync(whole, 'latin1') };
  } catch (error) {
    if (isSystemError(error)) return { error: words(error) };
    throw error;
  }
}

/** The file that `aclfile` names, relative to the working directory; `warn` hears what fails, for the log. */
export function createAclFile(name: string, warn: (text: string) => void, disk: Disk = realDisk): AclFile {
  // Differs: redis-sentinel 7.0.15 does not sync the file, and gives it a new mode and owner.
  const store = createStore(fromBytes(name), (text) => warn(`ACL file: ${text}`), disk);
  const save = async (text: string) => {
    try {
      await store.write(text);
      return undefined;
    } catch (error) {
      if (!(error instanceof SaveError)) throw error;
      warn(`The ACL file was not saved: ${error.message}`);
      return error.message;
    }
  };
  /** The save before the next one. Of two at a time the older text could be the last to take the file's place. */
  let before: Promise<unknown> = Promise.resolve();
  /** The text of the newest save, until that has come to its end. */
  let newest: (() => string) | undefined;
  return {
    name,
    // Who loads behind a save gets what that save writes, also when it is not on disk yet.
    read: () => (newest === undefined ? readAclFile(name) : { text: newest() }),
    write(render) {
      const text = once(render);
      newest = text;
      const saved = before.then(() => save(text()));
      before = saved
        .catch(() => undefined)
        .then(() => {
          if (newest === text) newest = undefined;
        });
      return saved;
    },
  };
}

function once(render: () => string): () => string {
  let text: string | undefined;
  return () => {
    text ??= render();
    return text;
  };
}
