// Users made, changed, removed, loaded and saved; and who is disconnected by that.
import { describe, expect, test } from 'vitest';
import type { AclFile } from '../../../src/commands/acl/access.ts';
import { openSession, type Session, subscribe } from '../../../src/commands/session.ts';
import { type Bench, createBench } from '../bench.ts';

/** Another connection of a user, and what it listens to. */
function connected({ world }: Bench, user: string, channels: string[] = [], patterns: string[] = []): Session {
  const session = openSession(world.sessions, { address: 'x:1', localAddress: 'y:2', authenticated: true }, 0);
  session.user = user;
  for (const channel of channels) subscribe(world.sessions, session, 'channels', channel);
  for (const pattern of patterns) subscribe(world.sessions, session, 'patterns', pattern);
  return session;
}

const reply = ({ say }: Bench, ...args: string[]) => say('ACL', ...args);

describe('SETUSER', () => {
  test.each([
    { why: 'a new user', args: ['bob'], says: '+OK\r\n', users: ['bob', 'default'] },
    {
      why: 'all or nothing',
      args: ['bob', 'on', 'nonsense'],
      says: "-ERR Error in ACL SETUSER modifier 'nonsense': Syntax error\r\n",
      users: ['default'],
    },
    {
      why: 'a name with a blank',
      args: ['a b'],
      says: "-ERR Usernames can't contain spaces or null characters\r\n",
      users: ['default'],
    },
    {
      why: 'a parenthesis that nothing closes',
      args: ['bob', 'on', '(+ping', 'x'],
      says: "-ERR Unmatched parenthesis in acl selector starting at '(+ping'.\r\n",
      users: ['default'],
    },
  ])('$why', ({ args, says, users }) => {
    const bench = createBench();
    expect(reply(bench, 'SETUSER', ...args)).toBe(says);
    expect([...bench.world.access.users.keys()].sort()).toEqual(users);
  });

  test('the default user gets a password: who is logged in stays so, who comes has to log in', () => {
    const bench = createBench();
    reply(bench, 'SETUSER', 'default', '>pw');
    expect(bench.say('PING')).toBe('+PONG\r\n');
    bench.session.authenticated = false;
    expect(bench.say('PING')).toBe('-NOAUTH Authentication required.\r\n');
    reply(bench, 'SETUSER', 'default', 'nopass');
    expect(bench.say('AUTH', 'x')).toMatch(/^-NOAUTH|^-WRONGPASS/);
    expect(bench.say('AUTH', 'pw')).toBe('+OK\r\n');
    reply(bench, 'SETUSER', 'default', 'nopass');
    bench.session.authenticated = false;
    expect(bench.say('PING')).toBe('+PONG\r\n');
    // HELLO asks for a login all the same, as redis-sentinel 7.0.15 does.
    expect(bench.say('HELLO', '3')).toMatch(/^-NOAUTH HELLO/);
  });

  test.each([
    { why: 'a channel taken away', channels: ['a'], patterns: [], rules: ['resetchannels', '&b'], closed: true },
    { why: 'a channel that is left', channels: ['b1'], patterns: [], rules: ['resetchannels', '&b?'], closed: false },
    { why: 'a pattern that is left', channels: [], patterns: ['b?'], rules: ['resetchannels', '&b?'], closed: false },
    {
      why: 'a pattern that is covered but not the same',
      channels: [],
      patterns: ['b1*'],
      rules: ['resetchannels', '&b*'],
      closed: true,
    },
    { why: 'a selector that has it', channels: ['a'], patterns: [], rules: ['resetchannels', '(&a)'], closed: false },
    { why: 'all channels', channels: ['a'], patterns: [], rules: ['off', '-@all'], closed: false },
    { why: 'it does not listen', channels: [], patterns: [], rules: ['resetchannels'], closed: false },
  ])('subscribers: $why', ({ channels, patterns, rules, closed }) => {
    const bench = createBench();
    reply(bench, 'SETUSER', 'u', 'on', 'allchannels');
    const listener = connected(bench, 'u', channels, patterns);
    connected(bench, 'default', ['zzz']);
    const outcome = bench.outcome('ACL', 'SETUSER', 'u', ...rules);
    expect(outcome.kill).toEqual(closed ? [listener.id] : []);
    expect(outcome.close).toBe(false);
  });

  test('whoever takes its own channel away is told, and closed', () => {
    const bench = createBench();
    bench.say('HELLO', '3');
    bench.say('SUBSCRIBE', 'a');
    const outcome = bench.outcome('ACL', 'SETUSER', 'default', 'resetchannels');
    expect(outcome).toMatchObject({ replies: [{ text: 'OK' }], close: true, kill: [] });
  });
});

describe('DELUSER', () => {
  test('counts users, closes their connections, leaves them no rights', () => {
    const bench = createBench();
    for (const name of ['a', 'b']) reply(bench, 'SETUSER', name, 'on', '+@all');
    const [one, other] = [connected(bench, 'a'), connected(bench, 'default')];
    const outcome = bench.outcome('ACL', 'DELUSER', 'a', 'a', 'nobody');
    expect(outcome).toMatchObject({ replies: [{ value: 1 }], kill: [one.id], close: false });
    expect([one.user, one.authenticated, other.user]).toEqual([undefined, false, 'default']);
  });

  test('oneself', () => {
    const bench = createBench();
    reply(bench, 'SETUSER', 'a', 'on', 'nopass', '+@all');
    bench.say('AUTH', 'a', '');
    expect(bench.outcome('ACL', 'DELUSER', 'a')).toMatchObject({ replies: [{ value: 1 }], kill: [], close: true });
  });

  test('the default user stays, and with it all others that were named', () => {
    const bench = createBench();
    reply(bench, 'SETUSER', 'a');
    expect(reply(bench, 'DELUSER', 'a', 'default')).toBe("-ERR The 'default' user cannot be removed\r\n");
    expect(bench.world.access.users.has('a')).toBe(true);
  });
});

describe('GETUSER', () => {
  test('in RESP2 and RESP3', () => {
    const bench = createBench();
    reply(bench, 'SETUSER', 'bob', 'on', 'nopass', '+@all', '&a*', '~x', '(+subscribe &z)');
    const fields = (set: string, map: (entries: number) => string) =>
      `${map(6)}\r\n$5\r\nflags\r\n${set}2\r\n$2\r\non\r\n$6\r\nnopass\r\n$9\r\npasswords\r\n*0\r\n$8\r\ncommands\r\n$5\r\n+@all\r\n$4\r\nkeys\r\n$2\r\n~x\r\n$8\r\nchannels\r\n$3\r\n&a*\r\n$9\r\nselectors\r\n*1\r\n${map(3)}\r\n$8\r\ncommands\r\n$16\r\n-@all +subscribe\r\n$4\r\nkeys\r\n$0\r\n\r\n$8\r\nchannels\r\n$2\r\n&z\r\n`;
    expect(reply(bench, 'GETUSER', 'bob')).toBe(fields('*', (entries) => `*${2 * entries}`));
    expect(reply(bench, 'GETUSER', 'nobody')).toBe('$-1\r\n');
    bench.say('HELLO', '3');
    expect(reply(bench, 'GETUSER', 'bob')).toBe(fields('~', (entries) => `%${entries}`));
    expect(reply(bench, 'GETUSER', 'nobody')).toBe('_\r\n');
  });
});

describe('the ACL file', () => {
  function fileOf(text: string) {
    const file = { text, failure: undefined as string | undefined, turn: Promise.resolve() };
    const aclFile: AclFile = {
      name: 'users.acl',
      read: () => ({ text: file.text }),
      async write(render) {
        await file.turn;
        if (file.failure === undefined) file.text = render();
        return file.failure;
      },
    };
    return { file, bench: createBench({ file: aclFile }) };
  }

  test.each(['LOAD', 'SAVE'])('%s without one', (sub) => {
    expect(createBench().say('ACL', sub)).toMatch(/^-ERR This Redis instance is not configured to use an ACL file\./);
  });

  test('LOAD takes what the file has, and closes everybody but the default user', () => {
    const { bench } = fileOf('user bob on >x +@all\n');
    reply(bench, 'SETUSER', 'old', 'on');
    reply(bench, 'SETUSER', 'bob', 'on');
    const closed = [connected(bench, 'old'), connected(bench, 'bob')];
    connected(bench, 'default', ['a']);
    const outcome = bench.outcome('ACL', 'LOAD');
    expect(outcome).toMatchObject({ replies: [{ text: 'OK' }], kill: closed.map(({ id }) => id), close: false });
    expect([...bench.world.access.users.keys()].sort()).toEqual(['bob', 'default']);
  });

  test('LOAD closes subscribers of the default user that lost their channel', () => {
    const { bench } = fileOf('user default on nopass resetchannels &b +@all\n');
    const deaf = connected(bench, 'default', ['a']);
    connected(bench, 'default', ['b']);
    expect(bench.outcome('ACL', 'LOAD').kill).toEqual([deaf.id]);
  });

  test('LOAD of a file that is wrong changes nothing', () => {
    const { bench } = fileOf('user bob nonsense\n');
    expect(reply(bench, 'LOAD')).toBe(
      '-ERR users.acl:1: Syntax error. WARNING: ACL errors detected, no change to the previously active ACL rules was performed\r\n',
    );
    expect([...bench.world.access.users.keys()]).toEqual(['default']);
  });

  test('SAVE answers when the users are on disk', async () => {
    const { bench, file } = fileOf('');
    reply(bench, 'SETUSER', 'bob', 'on', '+ping');
    const outcome = bench.outcome('ACL', 'SAVE');
    expect(outcome.replies).toEqual([]);
    expect(await outcome.later).toEqual({ kind: 'simple', text: 'OK' });
    expect(file.text).toBe('user bob on resetchannels -@all +ping\nuser default on nopass ~* &* +@all\n');
    file.failure = 'No space left on device';
    expect(await bench.outcome('ACL', 'SAVE').later).toMatchObject({
      kind: 'error',
      text: 'ERR There was an error trying to save the ACLs. Please check the server logs for more information',
    });
  });

  test('a SAVE that has to wait for its turn saves the users as they are then', async () => {
    const { bench, file } = fileOf('');
    let begin: () => void = () => undefined;
    file.turn = new Promise((resolve) => {
      begin = resolve;
    });
    const { later } = bench.outcome('ACL', 'SAVE');
    reply(bench, 'SETUSER', 'bob', 'on', '+ping');
    begin();
    expect(await later).toEqual({ kind: 'simple', text: 'OK' });
    expect(file.text).toContain('user bob on');
  });
});

describe('logging in', () => {
  test('an unknown user, one that is off and a wrong password take the same steps and get the same answer', () => {
    const asked: (readonly string[])[] = [];
    const bench = createBench({
      passwordIs: (_password, hashes) => {
        asked.push(hashes);
        return false;
      },
    });
    reply(bench, 'SETUSER', 'on', 'on', '>pw');
    reply(bench, 'SETUSER', 'off', 'off', '>pw');
    reply(bench, 'SETUSER', 'offopen', 'off', 'nopass');
    const answers = ['on', 'off', 'offopen', 'nobody'].map((name) => bench.say('AUTH', name, 'x'));
    expect(new Set(answers)).toEqual(new Set(['-WRONGPASS invalid username-password pair or user is disabled.\r\n']));
    expect(asked).toHaveLength(4);
  });

  test('with any of the passwords, or with any at all', () => {
    const bench = createBench();
    reply(bench, 'SETUSER', 'u', 'on', '>one', '>two', '+acl|whoami');
    expect(bench.say('AUTH', 'u', 'two')).toBe('+OK\r\n');
    expect(bench.say('ACL', 'WHOAMI')).toBe('$1\r\nu\r\n');
    expect(bench.say('AUTH', 'default', 'whatever')).toBe('+OK\r\n');
    expect(bench.say('ACL', 'WHOAMI')).toBe('$7\r\ndefault\r\n');
  });

  test('CLIENT LIST and CLIENT KILL know users', () => {
    const bench = createBench();
    reply(bench, 'SETUSER', 'u');
    const { id } = connected(bench, 'u');
    expect(bench.say('CLIENT', 'LIST', 'ID', String(id))).toContain(' user=u ');
    expect(bench.outcome('CLIENT', 'KILL', 'USER', 'u').kill).toEqual([id]);
    expect(bench.say('CLIENT', 'KILL', 'USER', 'nobody')).toBe("-ERR No such user 'nobody'\r\n");
  });
});
