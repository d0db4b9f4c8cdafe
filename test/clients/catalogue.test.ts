// The catalogue: what it says about versions is what is built and what the README says.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readAsked } from './asked.ts';
import { clients, versionOf } from './catalogue.ts';
import { buildFailure } from './runtimes.ts';

const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8');

test.each(clients)('$name: the README names its version', (client) => {
  const [name = ''] = client.name.split(' ');
  const rows = readme.split('\n').filter((line) => line.startsWith(`| ${name}`));
  expect(
    rows.filter((line) => line.includes(versionOf(client))),
    rows.join('\n'),
  ).toHaveLength(1);
});

test('a client is asked for by name, whatever the case', () => {
  const { clients: asked } = readAsked('{"names":["jedis","redis-py-asyncio"]}');
  expect(asked.map(({ name }) => name)).toEqual(['Jedis', 'redis-py asyncio']);
  expect(() => readAsked('{"names":["jetis"]}')).toThrow(/no client "jetis"; there are: ioredis 6, /);
});

test.each([
  { why: 'pip', output: 'ERROR: No matching distribution found for redis==8.1.0', kind: 'missing' },
  { why: 'Maven', output: 'Could not transfer artifact x: Unknown host', kind: 'missing' },
  { why: 'Go', output: 'dial tcp: lookup proxy on 1.1.1.1:53: no such host', kind: 'missing' },
  { why: 'cargo', output: 'warning: spurious network error\nerror: failed to download `itoa`', kind: 'missing' },
  { why: 'a compiler', output: 'main.go:3: undefined: x', kind: 'broken' },
])('a build that fails, $why: $kind', ({ output, kind }) => {
  expect(buildFailure('build', output).kind).toBe(kind);
});
