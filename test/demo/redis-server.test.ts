// How a Redis server would be installed on machines of all kinds; nothing is installed here.
import { expect, test } from 'vitest';
import { planInstall } from '../../src/demo/redis-server.ts';

const machine = (programs: string[], rights: { isRoot?: boolean; canSudo?: boolean } = {}) => ({
  isRoot: false,
  canSudo: false,
  ...rights,
  has: (program: string) => programs.includes(program),
});

test.each([
  {
    why: 'Debian as root',
    on: machine(['apt-get'], { isRoot: true }),
    first: 'apt-get install',
    prepare: 'apt-get update',
  },
  {
    why: 'Debian with sudo',
    on: machine(['apt-get'], { canSudo: true }),
    first: 'sudo -n apt-get',
    prepare: 'sudo -n apt-get',
  },
  {
    why: 'Fedora: dnf before the old yum',
    on: machine(['yum', 'dnf'], { isRoot: true }),
    first: 'dnf install',
    prepare: '',
  },
  { why: 'Alpine', on: machine(['apk'], { isRoot: true }), first: 'apk add', prepare: '' },
  { why: 'macOS: brew wants no root', on: machine(['brew']), first: 'brew install', prepare: '' },
])('installs: $why', ({ on, first, prepare }) => {
  const plan = planInstall(on);
  if (typeof plan === 'string') throw new Error(plan);
  expect(plan.install[0]?.join(' ')).toMatch(new RegExp(`^${first}.*redis`));
  expect(plan.prepare.flat().join(' ')).toMatch(new RegExp(`^${prepare}`));
  expect(plan.install.at(-1)?.at(-1)).toMatch(/redis|valkey/);
});

test.each([
  { why: 'no rights', on: machine(['apt-get']), text: '"sudo apt-get install redis-server"' },
  { why: 'no rights, Arch', on: machine(['pacman']), text: '"sudo pacman -S valkey"' },
  { why: 'brew as root', on: machine(['brew'], { isRoot: true }), text: '"brew install redis"' },
  { why: 'no package manager', on: machine([], { isRoot: true }), text: 'please install Redis' },
])('tells in one line what to do: $why', ({ on, text }) => {
  const plan = planInstall(on);
  expect(plan).toContain(text);
  expect(String(plan).split('\n')).toHaveLength(1);
});
