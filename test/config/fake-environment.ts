// A file system for config tests: what is executable, what can be included, which directories there are.
import { createHash } from 'node:crypto';
import { aclTable } from '../../src/commands/table.ts';
import type { Environment } from '../../src/config/load.ts';

export const sha256Hex = (bytes: string) => createHash('sha256').update(bytes, 'latin1').digest('hex');

/** `files` by absolute path; an include with a wildcard finds those under the directory in front of it. */
export function fakeEnvironment(more: Partial<Environment> & { files?: Record<string, string> } = {}): Environment {
  const { files = {}, ...rest } = more;
  let directory = '/';
  return {
    readInclude: (path) => {
      const [before = ''] = path.split(/[*?[]/);
      const found = Object.entries(files).filter(([name]) =>
        before === path ? name === path : name.startsWith(before),
      );
      if (found.length === 0 && before === path) return { error: 'No such file or directory' };
      return found.map(([name, text]) => ({ path: name, text }));
    },
    isExecutable: (path) => path.endsWith('.sh') && !path.includes('no-such'),
    enterDirectory: (path) => {
      if (path.includes('no-such') || path === '') return 'No such file or directory';
      directory = path;
      return undefined;
    },
    workingDirectory: () => directory,
    tryLogFile: (path) => (path.includes('no-such') ? 'No such file or directory' : undefined),
    sha256Hex,
    commands: aclTable,
    readAclFile: (path) => {
      const text = files[path];
      return text === undefined ? { error: 'No such file or directory' } : { text };
    },
    ...rest,
  };
}
