// What can be checked of the image, the compose file and the README without a container engine: that they name files
// that exist, and agree with each other on ports, addresses and commands.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { findOnPath } from '../../src/demo/programs.ts';

const read = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
const exists = (file: string) => existsSync(new URL(`../../${file}`, import.meta.url));

const dockerfile = read('Dockerfile');
const compose = read('docker-compose.yml');
const readme = read('README.md');
const manifest = JSON.parse(read('package.json')) as {
  bin: Record<string, string>;
  files: string[];
  scripts: Record<string, string>;
};

test('the image is made of files that exist', () => {
  const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, files = '']) => files.split(' '));
  expect(copied).toEqual(expect.arrayContaining(['package.json', 'package-lock.json', 'src']));
  expect(copied.filter((file) => !exists(file))).toEqual([]);
});

test('the image runs what the package calls its program', () => {
  const linked = /ln -s \/usr\/local\/lib\/ts-sentinel\/(\S+)/.exec(dockerfile)?.[1];
  expect(linked).toBe(manifest.bin['ts-sentinel']);
  expect(dockerfile).toContain(`chmod +x ${linked}`);
  expect(read('src/main.ts')).toMatch(/^#!\/usr\/bin\/env node\n/);
});

test('the build and the runtime share one base, and the sentinel does not stay root without need', () => {
  const bases = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, base]) => base);
  expect(new Set(bases).size).toBe(1);
  expect(dockerfile).toContain('COPY packaging/docker-entrypoint /usr/local/bin/docker-entrypoint.sh');
  expect(dockerfile).toMatch(/^ENTRYPOINT \["docker-entrypoint.sh"\]$/m);
  expect(statSync(new URL('../../packaging/docker-entrypoint', import.meta.url)).mode & 0o111).toBe(0o111);
});

test('whatever the entry point calls is in the image, and what replaces it has a process 1 all the same', () => {
  const installed = /apt-get install -y --no-install-recommends (.+) \\$/m.exec(dockerfile)?.[1]?.split(' ');
  expect(installed).toEqual(expect.arrayContaining(['redis-tools', 'tini']));
  const sentinel = compose.split('\nservices:')[0] ?? '';
  expect(sentinel).toMatch(/^ {2}entrypoint:$/m);
  expect(sentinel).toMatch(/^ {2}init: true$/m);
});

test('one port everywhere', () => {
  for (const text of [dockerfile, compose, read('sentinel.conf.example')]) expect(text).toMatch(/\b26379\b/);
  expect(dockerfile).toMatch(/^EXPOSE 26379$/m);
  expect(dockerfile).toContain('SENTINEL_PORT=26379');
});

test('the compose file has three data nodes and three sentinels at different addresses of its network', () => {
  const addresses = [...compose.matchAll(/ipv4_address: (\S+)/g)].map(([, address = '']) => address);
  expect(new Set(addresses).size).toBe(6);
  const subnet = /subnet: (\S+)\.0\/24/.exec(compose)?.[1];
  for (const address of addresses) expect(address.startsWith(`${subnet}.`)).toBe(true);
  const published = [...compose.matchAll(/"127\.0\.0\.1:(\d+):26379"/g)].map(([, port]) => port);
  expect(published).toEqual(['26379', '26380', '26381']);
});

test('all sentinels of the compose file watch the master, and the replicas follow it', () => {
  const master = /^ {2}master:\n(?: {4}.*\n)*? {4}.*ipv4_address: (\S+)/m.exec(compose)?.[1];
  expect(master).toBeDefined();
  expect(compose).toContain(`sentinel monitor mymaster ${master} 6379 2`);
  expect(compose.match(/--replicaof \S+ 6379/g)).toEqual(Array(2).fill(`--replicaof ${master} 6379`));
});

describe('the entry point', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'ts-sentinel-entry-'));
  afterAll(() => rmSync(scratch, { recursive: true, force: true }));
  // Programs that tell who they are instead of doing their work.
  const programs = join(scratch, 'bin');
  mkdirSync(programs);
  const program = (name: string, text: string) =>
    writeFileSync(join(programs, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  for (const name of ['ts-sentinel', 'redis-sentinel', 'redis-server', 'redis-cli'])
    program(name, `echo ${name} "$@" umask "$(umask)"`);
  program('id', 'echo 0');
  // In the image this becomes user redis; here it only says so, and may write wherever the folder's name allows it.
  program(
    'setpriv',
    'while [ "$1" != "--inh-caps=-all" ]; do shift; done; shift\ncase "$*" in "test -w"*root-only*) exit 1 ;; "test -w"*) exit 0 ;; esac\necho "user redis:" "$("$@")"',
  );

  // Another option or none in front of the command would not do in the image.
  program('tini', '[ "$1 $2" = "-s --" ] || exit 1; shift 2\necho "tini:" "$("$@")"');

  const runs = (...words: string[]) =>
    execFileSync('sh', [new URL('../../packaging/docker-entrypoint', import.meta.url).pathname, ...words], {
      env: { PATH: `${programs}:${process.env.PATH ?? ''}` },
    })
      .toString()
      .trim();

  test.each([
    { words: ['/etc/redis/sentinel.conf'], runs: /^user redis: tini: ts-sentinel \/etc\/redis\/sentinel.conf umask/ },
    { words: ['redis-sentinel', '/etc/x.conf'], runs: /^user redis: tini: redis-sentinel \/etc\/x.conf umask/ },
    {
      words: ['redis-server', '/etc/x.conf', '--sentinel'],
      runs: /^user redis: tini: redis-server \/etc\/x.conf --sentinel umask/,
    },
    {
      words: ['/root-only/x.conf', '--port', '1'],
      runs: /^tini: ts-sentinel \/root-only\/x.conf --port 1 umask 00?77$/,
    },
    { words: ['--version'], runs: /^user redis: tini: ts-sentinel --version umask/ },
    { words: ['redis-cli', 'ping'], runs: /^tini: redis-cli ping umask 00?77$/ },
  ])('$words', ({ words, runs: expected }) => {
    expect(runs(...words)).toMatch(expected);
  });
});

test('the systemd unit runs what the package installs, with the file and the user of the genuine one', () => {
  const unit = read('packaging/ts-sentinel.service');
  expect(unit).toMatch(/^ExecStart=\S+ ts-sentinel \/etc\/redis\/sentinel\.conf /m);
  for (const line of ['User=redis', 'UMask=007', 'ReadWritePaths=-/etc/redis', 'Conflicts=redis-sentinel.service'])
    expect(unit.split('\n')).toContain(line);
  // Node.js compiles while it runs: under this it ends at once.
  expect(unit).not.toMatch(/^MemoryDenyWriteExecute/m);
  expect(manifest.files).toContain('packaging/ts-sentinel.service');
});

const canVerify = findOnPath(['systemd-analyze']) !== undefined;
// Only systemd can say whether it understands a unit.
test.skipIf(!canVerify)('systemd understands the unit', () => {
  const { stdout, stderr, status } = spawnSync('systemd-analyze', ['verify', 'packaging/ts-sentinel.service'], {
    cwd: new URL('../..', import.meta.url),
    encoding: 'utf8',
  });
  expect({ said: (stdout + stderr).split('\n').filter((line) => line.includes('ts-sentinel')), status }).toEqual({
    said: [],
    status: 0,
  });
});

// A call that the filter leaves out ends the process (SIGSYS): what Node.js and a save call has to be in it at the end.
test.skipIf(!canVerify)('the unit leaves the system calls that the sentinel makes', () => {
  const lines = [...read('packaging/ts-sentinel.service').matchAll(/^SystemCallFilter=(~?)(.*)$/gm)];
  const left = new Set<string>();
  for (const [, takes, words = ''] of lines)
    for (const word of words.trim().split(' '))
      for (const call of systemCalls(word)) takes === '~' ? left.delete(call) : left.add(call);
  const wanted =
    'chown fchown fchownat chmod fchmod rename fsync statx pkey_alloc pkey_mprotect epoll_pwait execve kill';
  expect(wanted.split(' ').filter((call) => !left.has(call))).toEqual([]);
  expect(['setuid', 'chroot', 'reboot', 'ptrace', 'mount'].filter((call) => left.has(call))).toEqual([]);
});

/** The system calls of a group, the groups in it too; a call is one itself. */
function systemCalls(word: string): string[] {
  if (!word.startsWith('@')) return [word];
  const text = execFileSync('systemd-analyze', ['syscall-filter', word], { encoding: 'utf8' });
  const inside = [...text.matchAll(/^ +([\w@-]+)$/gm)].map(([, name = '']) => name);
  return inside.flatMap(systemCalls);
}

test('the README names files and scripts that exist', () => {
  const links = [...readme.matchAll(/\]\(([^)#:]+)\)/g)].map(([, file = '']) => file);
  const paths = [...readme.matchAll(/`((?:src|test|packaging|\.ci)\/[\w./-]*)`/g)].map(([, file = '']) => file);
  expect([...links, ...paths].filter((file) => !exists(file))).toEqual([]);
  const scripts = [...readme.matchAll(/npm run ([\w:]+)/g)].map(([, script = '']) => script);
  expect(scripts.filter((script) => !(script in manifest.scripts))).toEqual([]);
});

test('the README lists the options that the demo has', () => {
  const options = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, option]) => option).sort();
  expect(options(readme.split('## The demo')[1]?.split('\n## ')[0] ?? '', /^\| `(--[\w-]+)/gm)).toEqual(
    options(read('src/demo/main.ts'), /\.option\('(--[\w-]+)/g),
  );
});

test('the published package holds what it promises', () => {
  expect(manifest.files.filter((file) => !/^(!|dist)/.test(file) && !exists(file))).toEqual([]);
});

test('.ci/run is a program that bash can read', () => {
  const file = new URL('../../.ci/run', import.meta.url);
  expect(statSync(file).mode & 0o111).toBe(0o111);
  execFileSync('bash', ['-n', file.pathname]);
});
