// The ACL file on disk: read when it is asked for, replaced whole, and synced before anybody is told.
import { existsSync, readFileSync } from 'node:fs';
import type { AclFile } from '../commands/acl/access.ts';
import type { FileText } from '../config/load-users.ts';
import { fromBytes } from './bytes.ts';
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
export function createAclFile(name: string, warn: (text: string) => void): AclFile {
  // Differs: redis-sentinel 7.0.15 does not sync the file, and gives it a new mode and owner.
  const store = createStore(fromBytes(name), (text) => warn(`ACL file: ${text}`));
  return {
    name,
    read: () => readAclFile(name),
    async write(text) {
      try {
        await store.write(text);
        return undefined;
      } catch (error) {
        if (!(error instanceof SaveError)) throw error;
        warn(`The ACL file was not saved: ${error.message}`);
        return error.message;
      }
    },
  };
}
