// Clients of all manners at the sentinels' doors: polite, hasty, silent, rude. What they say is drawn from a seed.
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { conversation, undo } from '../differential/requests.ts';
import type { Chance } from './chance.ts';

/** What the placeholders of a request stand for. */
export type Places = Readonly<Record<string, string>>;

export interface Load {
  /** Let clients come and go until `stop`. */
  start(): void;
  /** All of them leave, and what they changed is undone; resolves when nobody of them is connected. */
  stop(): Promise<void>;
  /** How many came so far. */
  readonly visits: number;
}

/** At each sentinel, this many at once. */
const VISITORS = 6;
/** No visit takes longer. */
const VISIT_MS = 1500;
/** Between two visits of one place at the door. */
const PAUSE_MS = 120;

/** One connection, and what its owner needs to behave well or badly. */
interface Visit {
  readonly socket: Socket;
  readonly chance: Chance;
  readonly places: Places;
  /** So many requests that somebody might make. */
  words(count: number): string[][];
  /** What is to be said when all are gone, in case this one goes early. */
  leave(request: readonly string[]): void;
  /** Resolves when the sentinel has said `text`, when the connection is over, or when the time is. */
  heard(text: string): Promise<void>;
}

/** What is said of announcements and periods would keep the sentinels from failing over: that is not what we look for. */
const DISTURBING = /^sentinel (debug|config set announce)/i;

const conversations = (seed: number) =>
  fc
    .sample(conversation, { seed, numRuns: 400 })
    .map((requests) => requests.filter((words) => !DISTURBING.test(words.join(' '))));

const filled = (requests: readonly (readonly string[])[], places: Places) =>
  requests.map((words) =>
    words.map((word) => word.replaceAll(/\{(\w+)\}/g, (whole, name: string) => places[name] ?? whole)),
  );

const MARK = 'that-was-all';

const frame = (words: readonly string[]) =>
  `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word, 'latin1')}\r\n${word}\r\n`).join('')}`;
const say = (socket: Socket, text: string) => void (socket.writable && socket.write(text, 'latin1'));

/** Ways to behave. */
const MANNERS: readonly ((visit: Visit) => Promise<void> | void)[] = [
  async function asksAndSaysGoodbye({ socket, words, heard }) {
    say(socket, [...words(10), ['PING', MARK]].map(frame).join(''));
    await heard(MARK);
    socket.end();
  },
  async function asksOneByOne({ socket, chance, words, heard }) {
    for (const each of words(1 + chance.below(5))) {
      say(socket, frame(each) + frame(['PING', MARK]));
      await heard(MARK);
    }
    socket.end();
  },
  function asksAndRuns({ socket, words }) {
    say(socket, words(20).map(frame).join(''));
    socket.resetAndDestroy();
  },
  async function subscribesAndVanishes({ socket, chance, heard }) {
    say(
      socket,
      frame(['SUBSCRIBE', '+sdown', '-sdown', '+switch-master']) + frame(['PSUBSCRIBE', '*', `${chance.below(1e6)}*`]),
    );
    await heard('psubscribe');
    await heard('never said');
    socket.resetAndDestroy();
  },
  async function subscribesByResp3AndLeaves({ socket, heard }) {
    say(
      socket,
      frame(['HELLO', '3']) + frame(['PSUBSCRIBE', '+*']) + frame(['SENTINEL', 'MASTERS']) + frame(['UNSUBSCRIBE']),
    );
    await heard('unsubscribe');
    socket.end();
  },
  async function talksNonsense({ socket, chance, heard }) {
    const nonsense = [
      '*1\r\n$-5\r\n',
      '*99999999999\r\n',
      '$',
      '*3\r\n$3\r\nSET',
      '\0\0\0\r\n',
      '"unbalanced\r\n',
      `*1\r\n$${2 ** 40}\r\n`,
    ];
    say(socket, chance.of(nonsense));
    for (let number = 0; number < 20; number++)
      say(socket, String.fromCharCode(...Array.from({ length: 50 }, () => chance.below(256))));
    await heard('never said');
    socket.destroy();
  },
  async function doesNotFinishASentence({ socket, chance, heard }) {
    say(socket, frame(['SENTINEL', 'MASTER', 'x'.repeat(chance.below(60_000))]).slice(0, -1 - chance.below(20)));
    await heard('never said');
    socket.destroy();
  },
  async function doesNotListen({ socket, heard }) {
    socket.pause();
    for (let number = 0; number < 300; number++)
      say(socket, frame(['SENTINEL', 'MASTERS']) + frame(['COMMAND', 'DOCS']));
    await heard('never said');
    socket.destroy();
  },
  async function countsOnUsers({ socket, chance, heard, leave }) {
    const name = `soak-${chance.below(1e9)}`;
    leave(['ACL', 'DELUSER', name]);
    const lines = [
      ['ACL', 'SETUSER', name, 'on', `>${name}`, '~*', '&*', '+@all', '(+ping)'],
      ['AUTH', name, 'wrong'],
      ['AUTH', name, name],
      ['ACL', 'GETUSER', name],
      ['ACL', 'LOG'],
      ['CLIENT', 'SETNAME', name],
      ['CLIENT', 'TRACKING', 'ON', 'BCAST'],
      ['CLIENT', 'LIST'],
      ['AUTH', 'default', ''],
      ['PING', MARK],
    ];
    say(socket, lines.map(frame).join(''));
    await heard(MARK);
    // Whoever is logged in as a user that is deleted is thrown out.
    say(socket, frame(['ACL', 'DELUSER', name]) + frame(['PING', 'and-gone']));
    await heard('and-gone');
    socket.end();
  },
  async function holdsEverybodyUp({ socket, chance, heard }) {
    say(
      socket,
      frame(['CLIENT', 'PAUSE', String(chance.below(60))]) + frame(['SENTINEL', 'MASTERS']) + frame(['PING', MARK]),
    );
    await heard(MARK);
    say(socket, frame(['CLIENT', 'KILL', 'TYPE', 'pubsub', 'SKIPME', chance.of(['yes', 'no'])]));
    await heard(':');
    socket.destroy();
  },
  async function watchesAMasterOfItsOwn({ socket, chance, places, heard, leave }) {
    const name = `own-${chance.below(1e9)}`;
    leave(['SENTINEL', 'REMOVE', name]);
    const host = chance.of(['127.0.0.1', '127.0.0.1', '192.0.2.1', 'no.such.name.invalid']);
    const lines = [
      ['SENTINEL', 'MONITOR', name, host, chance.of(['1', places.deadport ?? '', places.mport ?? '']), '2'],
      ['SENTINEL', 'SET', name, 'down-after-milliseconds', '500', 'notification-script', ''],
      ['SENTINEL', 'MASTER', name],
      ['PING', MARK],
    ];
    say(socket, lines.map(frame).join(''));
    await heard(MARK);
    await sleep(chance.below(VISIT_MS));
    say(socket, frame(['SENTINEL', 'REMOVE', name]) + frame(['PING', 'and-gone']));
    await heard('and-gone');
    socket.end();
  },
];

/** Create the load for the sentinels at these ports; nothing happens before `start`. */
export function createLoad(ports: readonly number[], placesOf: () => Places, chance: Chance): Load {
  let running = false;
  let visits = 0;
  let workers: Promise<void>[] = [];
  const open = new Set<Socket>();
  const left = new Map<number, (readonly string[])[]>(ports.map((port) => [port, []]));
  const stock = conversations(chance.below(2 ** 31));

  const visit = async (port: number) => {
    const manner = chance.of(MANNERS);
    const places = placesOf();
    const words = (count: number) => {
      const found: string[][] = [];
      while (found.length < count) found.push(...filled(chance.of(stock), places));
      return found;
    };
    const leave = (request: readonly string[]) => void left.get(port)?.push(request);
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    open.add(socket);
    visits += 1;
    await overSocket(socket, (heard) => manner({ socket, chance, places, words, heard, leave }));
    open.delete(socket);
  };
  const work = async (port: number) => {
    while (running) {
      await visit(port);
      await sleep(chance.below(2 * PAUSE_MS));
    }
  };

  return {
    get visits() {
      return visits;
    },
    start() {
      running = true;
      workers = ports.flatMap((port) => Array.from({ length: VISITORS }, () => work(port)));
    },
    async stop() {
      running = false;
      for (const socket of open) socket.destroy();
      await Promise.all(workers);
      await Promise.all(ports.map((port) => tidyUp(port, left.get(port)?.splice(0) ?? [], placesOf())));
    },
  };
}

/** Run a manner on a socket; at its end, at the latest after `VISIT_MS`, the connection is over. */
function overSocket(socket: Socket, manner: (heard: Visit['heard']) => Promise<void> | void): Promise<void> {
  return new Promise((resolve) => {
    let said = '';
    let wanted: { text: string; found: () => void } | undefined;
    const look = () => {
      if (wanted === undefined) return;
      const at = said.indexOf(wanted.text);
      if (at < 0 && !socket.destroyed) return;
      said = at < 0 ? '' : said.slice(at + wanted.text.length);
      const { found } = wanted;
      wanted = undefined;
      found();
    };
    const late = setTimeout(() => socket.destroy(), VISIT_MS);
    socket.on('data', (data: Buffer) => {
      said = `${said.slice(-1000)}${data.toString('latin1')}`;
      look();
    });
    socket.on('error', () => undefined);
    socket.on('end', () => socket.end());
    socket.on('close', () => {
      clearTimeout(late);
      look();
      resolve();
    });
    socket.once('connect', () => {
      void manner(
        (text) =>
          new Promise((found) => {
            wanted = { text, found };
            look();
          }),
      );
    });
  });
}

/** Undo what visitors changed and left. */
async function tidyUp(port: number, left: readonly (readonly string[])[], places: Places): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1' });
  const requests = [
    ['CLIENT', 'UNPAUSE'],
    ...left,
    ...undo,
    ['SENTINEL', 'REMOVE', 'scratch'],
    ['ACL', 'LOG', 'RESET'],
    ['PING', MARK],
  ];
  await new Promise<void>((resolve) => {
    let said = '';
    socket.setTimeout(10_000, () => socket.destroy());
    socket.on('data', (data: Buffer) => {
      said = `${said.slice(-100)}${data.toString('latin1')}`;
      if (said.includes(MARK)) socket.end();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve());
    socket.write(filled(requests, places).map(frame).join(''), 'latin1');
  });
}
