// A sentinel's command side without sockets: a state, one client, and what it is answered.
import type { Access } from '../../src/commands/acl/access.ts';
import { execute } from '../../src/commands/execute.ts';
import type { CommandWorld, Outcome } from '../../src/commands/outcome.ts';
import { createSessions, openSession, type Session } from '../../src/commands/session.ts';
import { aclTable, commandTable } from '../../src/commands/table.ts';
import { defaultUser } from '../../src/config/acl/users.ts';
import { createState } from '../../src/core/create.ts';
import type { SentinelState } from '../../src/core/state.ts';
import type { Reply } from '../../src/protocol/reply.ts';
import { render } from '../../src/protocol/resp-writer.ts';
import { passwordIs, hashPassword as sha256Hex } from '../../src/shell/auth.ts';

export const NOW = 100_000;
export const MY_ID = 'a'.repeat(40);

export interface Bench {
  readonly state: SentinelState;
  readonly world: CommandWorld;
  readonly session: Session;
  outcome(...args: string[]): Outcome;
  /** The replies as they go over the wire. */
  say(...args: string[]): string;
}

/** The rights of a sentinel without ACL rules; with a password clients have to log in. */
export function accessWith(password?: string): Access {
  const context = { commands: aclTable, allChannels: false, sha256Hex };
  const hash = password === undefined ? undefined : sha256Hex(password);
  return {
    users: new Map([['default', defaultUser(context, hash)]]),
    log: [],
    logMaxLen: 128,
    context,
    file: undefined,
    passwordIs,
  };
}

/** A sentinel that watches `mymaster` at 10.0.0.1:6379, and a client of it. */
export function createBench({ password, ...more }: { password?: string } & Partial<Access> = {}): Bench {
  const clock = { now: NOW, wallMs: 1_700_000_000_000 };
  const { state } = createState(
    {
      myId: MY_ID,
      currentEpoch: 0n,
      denyScriptsReconfig: true,
      resolveHostnames: false,
      announceHostnames: false,
      announceIp: undefined,
      announcePort: 0,
      sentinelUser: undefined,
      sentinelPass: undefined,
      masters: [
        {
          name: 'mymaster',
          host: '10.0.0.1',
          port: 6379,
          quorum: 2,
          downAfterMs: 5000,
          failoverTimeoutMs: 20_000,
          parallelSyncs: 1,
          notificationScript: undefined,
          clientReconfigScript: undefined,
          authPass: undefined,
          authUser: undefined,
          rebootDownAfterMs: 0,
          configEpoch: 0n,
          leaderEpoch: 0n,
          replicas: [{ host: '10.0.0.2', port: 6379 }],
          peers: [{ host: '10.0.0.9', port: 26379, runId: 'b'.repeat(40) }],
          renamedCommands: new Map(),
        },
      ],
    },
    { myId: MY_ID, requirePass: password, port: 26379 },
    clock,
    () => 0,
  );
  const sessions = createSessions();
  const access: Access = { ...accessWith(password), ...more };
  const world: CommandWorld = {
    state,
    sessions,
    rand: () => 0,
    access,
    table: commandTable,
    isExecutable: () => false,
    facts: () => ({
      version: '7.0.15',
      pid: 1,
      runId: 'c'.repeat(40),
      port: 26379,
      configFile: '/etc/sentinel.conf',
      executable: 'ts-sentinel',
      os: 'Linux',
      archBits: 64,
      supervised: 'no',
      uptimeSeconds: 1,
      maxClients: 10_000,
      connectionsReceived: 1,
      commandsProcessed: 1,
      bytesIn: 0,
      bytesOut: 0,
      connectionsRejected: 0,
      errorReplies: 0,
      cpu: { system: 0, user: 0 },
    }),
  };
  const ends = { address: '127.0.0.1:5000', localAddress: '127.0.0.1:26379', authenticated: password === undefined };
  const session = openSession(sessions, ends, NOW);
  const outcome = (...args: string[]) => execute(world, session, args, clock);
  const say = (...args: string[]) =>
    outcome(...args)
      .replies.map((reply) => render(reply, session.protocol))
      .join('');
  return { state, world, session, outcome, say };
}

/** The names of an instance's fields, none of whose values holds a line end. */
export function fieldNames(reply: Reply | undefined): string[] {
  if (reply?.kind !== 'written') return [];
  return (
    reply.parts
      .join('')
      .split('\r\n')
      // A length, a name, a length, a value; and nothing behind the last line end.
      .filter((_, at) => at % 4 === 1)
  );
}
