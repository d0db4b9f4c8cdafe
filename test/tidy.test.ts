// The house rules, as a test: who may import whom, what the pure folders may not touch, and what no file may hold.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, test } from 'vitest';
import { LEVEL } from '../src/core/events.ts';

const root = join(import.meta.dirname, '..');
const tracked = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: root })
  .toString()
  .split('\n')
  .filter((path) => path !== '' && existsSync(join(root, path)));
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const sources = tracked.filter((path) => /^src\/.*\.ts$/.test(path)).map((path) => ({ path, text: read(path) }));
const folderOf = (path: string) => (path === 'src/main.ts' ? 'main' : (path.split('/')[1] ?? ''));

/** What each folder may import of ours; `protocol/reply.ts` and `resp-writer.ts` are values that commands speak in. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  main: ['shell', 'commands', 'config', 'core'],
  shell: ['commands', 'config', 'core', 'protocol'],
  commands: ['config', 'core', 'protocol'],
  config: ['core'],
  core: [],
  protocol: [],
  demo: [],
};
const PURE = ['core', 'config', 'commands', 'protocol'];
/** Each package is imported by one file; the demo, which is no part of the server, has one of its own for two of them. */
const IMPORTERS: Readonly<Record<string, readonly string[]>> = {
  ioredis: ['src/shell/links.ts', 'src/demo/client.ts'],
  'redis-parser': ['src/protocol/request-reader.ts'],
  pino: ['src/shell/log.ts'],
  commander: ['src/main.ts', 'src/demo/main.ts'],
};

function importsOf(text: string): string[] {
  return [...text.matchAll(/(?:from|import)\s+'([^']+)'/g)].map((match) => match[1] ?? '');
}

const resolved = (path: string, target: string) => normalize(join(dirname(path), target));

describe.each(sources)('$path', ({ path, text }) => {
  const folder = folderOf(path);
  // Comments and texts may speak of a process or a date.
  const code = text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$|'[^'\n]*'|`[^`]*`/gm, '');

  test('imports only what its folder may', () => {
    for (const target of importsOf(text).filter((name) => name.startsWith('.'))) {
      const other = folderOf(resolved(path, target));
      if (other !== folder) expect(MAY_IMPORT[folder], `${path} imports ${target}`).toContain(other);
    }
  });

  test('imports packages only where they belong', () => {
    for (const target of importsOf(text).filter((name) => !name.startsWith('.') && !name.startsWith('node:')))
      expect(IMPORTERS[target] ?? [], `${path} imports ${target}`).toContain(path);
  });

  if (PURE.includes(folder))
    test('touches no clock, chance, timer, process, console or system', () => {
      expect(importsOf(text).filter((name) => name.startsWith('node:'))).toEqual([]);
      const forbidden =
        /\b(Date|setTimeout|setInterval|setImmediate|queueMicrotask|process|console|performance)\s*[.(]|Math\.random/;
      expect(forbidden.exec(code)?.[0]).toBeUndefined();
    });

  test('says in its first two lines what it is for, and stays readable in one sitting', () => {
    const lines = text.split('\n').filter((line) => !line.startsWith('#!'));
    expect(lines[0]).toMatch(/^\/\/ /);
    expect(lines.length).toBeLessThanOrEqual(600);
  });
});

test('every source file is used', () => {
  const used = new Set(sources.flatMap(({ path, text }) => importsOf(text).map((target) => resolved(path, target))));
  const entries = new Set(['src/main.ts', 'src/demo/main.ts']);
  const unused = sources.map(({ path }) => path).filter((path) => !used.has(path) && !entries.has(path));
  expect(unused).toEqual([]);
});

test('every event has one level and a name in the catalogue of the spec’s form', () => {
  for (const name of Object.keys(LEVEL)) expect(name).toMatch(/^[+-][a-z]+(-[a-z]+)*$/);
});

test('no tracked file holds a path of one machine, a registry’s address, or a focused test', () => {
  const self = 'test/tidy.test.ts';
  const textual = tracked.filter((path) => /\.(ts|json|md|yml|conf|example|txt)$|Dockerfile|\.ci\/run/.test(path));
  const machine = /(?<![\w.])\/(work|farm|root)\/|https?:\/\/registry\./;
  const focused = /\b(it|test|describe)\.only\(/;
  for (const path of textual.filter((each) => each !== self)) {
    const text = read(path);
    expect(machine.exec(text)?.[0], path).toBeUndefined();
    expect(focused.exec(text)?.[0], path).toBeUndefined();
  }
});

test('every file with a deliberate difference stands in the table of differences of the README', () => {
  const table = read('README.md').split('## Differs')[1]?.split('\n## ')[0] ?? '';
  const marked = sources.filter(({ text }) => text.includes('Differs:')).map(({ path }) => path.replace(/^src\//, ''));
  expect(marked.length).toBeGreaterThan(10);
  expect(marked.filter((path) => !table.includes(`\`${path}\``))).toEqual([]);
});
