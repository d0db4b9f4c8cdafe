// What can be checked of the image, the compose file and the README without a container engine: that they name files
// that exist, and agree with each other on ports, addresses and commands.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { expect, test } from 'vitest';

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

test('the build and the runtime share one base, and the runtime is not root', () => {
  const bases = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, base]) => base);
  expect(new Set(bases).size).toBe(1);
  expect(dockerfile).toMatch(/^USER redis$/m);
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

test('the entry point adds the program where a file or an option comes alone', () => {
  const [, body = ''] = /printf '%s\\n' '#!\/bin\/sh' '(.+)' 'exec "\$@"'/.exec(dockerfile) ?? [];
  const runs = (...words: string[]) =>
    execFileSync('sh', ['-c', `${body}; echo "$@"`, 'sh', ...words])
      .toString()
      .trim();
  expect(runs('/etc/redis/sentinel.conf')).toBe('ts-sentinel /etc/redis/sentinel.conf');
  expect(runs('--version')).toBe('ts-sentinel --version');
  expect(runs('redis-sentinel', '/x.conf')).toBe('redis-sentinel /x.conf');
});

test('the README names files and scripts that exist', () => {
  const links = [...readme.matchAll(/\]\(([^)#:]+)\)/g)].map(([, file = '']) => file);
  const paths = [...readme.matchAll(/`((?:src|test|\.ci)\/[\w./-]*)`/g)].map(([, file = '']) => file);
  expect([...links, ...paths].filter((file) => !exists(file))).toEqual([]);
  const scripts = [...readme.matchAll(/npm run ([\w:]+)/g)].map(([, script = '']) => script);
  expect(scripts.filter((script) => !(script in manifest.scripts))).toEqual([]);
});

test('the README lists the options that the demo has', () => {
  const options = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, option]) => option).sort();
  expect(options(readme, /^\| `(--[\w-]+)/gm)).toEqual(options(read('src/demo/main.ts'), /\.option\('(--[\w-]+)/g));
});

test('the published package holds what it promises', () => {
  expect(manifest.files.filter((file) => !/^(!|dist)/.test(file) && !exists(file))).toEqual([]);
});

test('.ci/run is a program that bash can read', () => {
  const file = new URL('../../.ci/run', import.meta.url);
  expect(statSync(file).mode & 0o111).toBe(0o111);
  execFileSync('bash', ['-n', file.pathname]);
});
