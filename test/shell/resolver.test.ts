// The resolver over lookups that a test answers when it likes, and once over the system's own.
import { expect, test } from 'vitest';
import { createResolver, type Lookup, resolveAll, systemLookup } from '../../src/shell/resolver.ts';

/** Lookups that wait until the test answers them. */
function createFakeDns() {
  const asked: string[] = [];
  const open = new Map<string, { resolve(ips: readonly string[]): void; reject(error: Error): void }>();
  const told: unknown[] = [];
  const lookUp: Lookup = (name) => {
    asked.push(name);
    return new Promise((resolve, reject) => open.set(name, { resolve, reject }));
  };
  const resolver = createResolver(
    { resolved: (name, ips) => told.push({ name, ips }), failed: (name, reason) => told.push({ name, reason }) },
    lookUp,
  );
  return { resolver, asked, open, told };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));
const systemError = (code: string) => Object.assign(new Error(`getaddrinfo ${code}`), { code });

test('a name is looked up once at a time, and again when it was answered', async () => {
  const { resolver, asked, open, told } = createFakeDns();
  resolver.resolve('db.test');
  resolver.resolve('db.test');
  resolver.resolve('other.test');
  expect(asked).toEqual(['db.test', 'other.test']);
  open.get('db.test')?.resolve(['10.0.0.1', '10.0.0.2']);
  await settled();
  expect(told).toEqual([{ name: 'db.test', ips: ['10.0.0.1', '10.0.0.2'] }]);
  resolver.resolve('db.test');
  expect(asked).toEqual(['db.test', 'other.test', 'db.test']);
});

test.each([
  { why: 'no such name', end: systemError('ENOTFOUND'), reason: 'ENOTFOUND' },
  { why: 'no DNS server', end: systemError('EAI_AGAIN'), reason: 'EAI_AGAIN' },
  { why: 'a name without an address', end: [], reason: 'it has no address' },
])('a failure is told by its code: $why', async ({ end, reason }) => {
  const { resolver, open, told } = createFakeDns();
  resolver.resolve('db.test');
  if (end instanceof Error) open.get('db.test')?.reject(end);
  else open.get('db.test')?.resolve(end);
  await settled();
  expect(told).toEqual([{ name: 'db.test', reason }]);
});

test('at the start nobody waits longer than allowed for a name', async () => {
  const never: Lookup = (name) => (name === 'slow.test' ? new Promise(() => undefined) : Promise.resolve(['10.0.0.1']));
  expect(await resolveAll(['slow.test', 'db.test'], 5, never)).toEqual(new Map([['db.test', ['10.0.0.1']]]));
  expect(await resolveAll([], 60_000)).toEqual(new Map());
});

test('the system knows localhost, and no name that cannot exist', async () => {
  expect(await systemLookup('localhost')).toContain('127.0.0.1');
  await expect(systemLookup('no-such-host.invalid')).rejects.toHaveProperty('code');
  await expect(systemLookup('a\0b')).rejects.toHaveProperty('code');
});
