// Looks at everything all the time, from the one place that no fault cuts off, and writes down what it sees.
import { setTimeout as sleep } from 'node:timers/promises';
import { type EventWatch, watchEvents } from '../../src/demo/client.ts';
import { parseFields, parseInfo } from '../../src/demo/nodes.ts';
import { eventIn, isOutcry } from './history.ts';
import { addressOf, DATA_HOSTS, type DataHost, type Ms, nameOf, SENTINEL_HOSTS, type SentinelHost } from './plan.ts';
import type { Recorder } from './recorder.ts';
import { MASTER, PORT, type Server, type Servers } from './servers.ts';

export interface Observer {
  /** Take what the servers printed since the last time into the history. */
  readLogs(): void;
  stop(): void;
}

const LOOK_MS: Ms = 1000;
/** The machine stood still when a timer is so late, or a node so slow to answer. */
const STALL_MS: Ms = 400;
const BEAT_MS: Ms = 100;
/** A sentinel that was stopped for longer than two seconds would do nothing for half a minute: here less. */
const TILT_MS: Ms = 5000;

/** Begin to look. */
export function observe(servers: Servers, recorder: Recorder): Observer {
  const watches: EventWatch[] = [
    ...SENTINEL_HOSTS.map((host) => watchSentinel(host, recorder)),
    ...DATA_HOSTS.map((host) => watchHellos(host, recorder)),
  ];
  let stopped = false;
  const again = async (look: () => Promise<void>) => {
    // Whoever cannot be asked is asked again.
    for (; !stopped; await sleep(LOOK_MS, undefined, { ref: false })) await look().catch(() => undefined);
  };
  for (const host of SENTINEL_HOSTS) {
    const known = { life: '' };
    void again(() => lookAtSentinel(host, servers.of(host), known, recorder));
  }
  for (const host of DATA_HOSTS) void again(() => lookAtNode(host, servers.of(host), recorder));
  let beat = recorder.now();
  const stalls = setInterval(() => {
    noteStall(recorder, beat);
    beat = recorder.now();
  }, BEAT_MS);
  return {
    readLogs() {
      for (const host of SENTINEL_HOSTS) readLog(host, servers.of(host), recorder);
    },
    stop() {
      stopped = true;
      clearInterval(stalls);
      for (const watch of watches) watch.close();
    },
  };
}

function watchSentinel(by: SentinelHost, recorder: Recorder): EventWatch {
  return watchEvents(
    PORT,
    ({ at, channel, payload }) => recorder.write({ at, kind: 'event', by, via: 'pubsub', channel, payload }),
    { host: addressOf(by), timeoutMs: LOOK_MS },
  );
}

/** `ip,port,runid,current epoch,name,master ip,master port,config epoch` */
function watchHellos(host: DataHost, recorder: Recorder): EventWatch {
  return watchEvents(
    PORT,
    ({ at, channel, payload }) => {
      if (channel !== '__sentinel__:hello') return;
      const [from = '', , , epoch, , master = '', , configEpoch] = payload.split(',');
      const by = SENTINEL_HOSTS.find((each) => each === nameOf(from));
      if (by === undefined) return;
      const epochs = { epoch: Number(epoch), configEpoch: Number(configEpoch) };
      recorder.write({ at, kind: 'hello', by, master: nameOf(master), ...epochs });
    },
    { host: addressOf(host), timeoutMs: LOOK_MS },
  );
}

async function lookAtSentinel(by: SentinelHost, { client }: Server, known: { life: string }, recorder: Recorder) {
  const life = parseInfo(String(await client.command('INFO', 'server'))).process_id ?? '';
  if (life !== known.life) {
    const id = String(await client.command('SENTINEL', 'MYID'));
    await client.command('SENTINEL', 'DEBUG', 'tilt-period', String(TILT_MS));
    recorder.write({ at: recorder.now(), kind: 'process', who: by, step: 'started', id });
    known.life = life;
  }
  const fields = parseFields(await client.command('SENTINEL', 'MASTER', MASTER));
  const { ip = '', flags = '' } = fields;
  const configEpoch = Number(fields['config-epoch']);
  recorder.write({ at: recorder.now(), kind: 'view', by, master: nameOf(ip), configEpoch, flags });
}

function noteStall(recorder: Recorder, since: Ms): void {
  const now = recorder.now();
  if (now - since > STALL_MS) recorder.write({ at: now, kind: 'stalled', ms: Math.round(now - since) });
}

async function lookAtNode(by: DataHost, { client }: Server, recorder: Recorder): Promise<void> {
  const since = recorder.now();
  const { role = '', master_host: host } = parseInfo(
    String(await client.command('INFO', 'replication').finally(() => noteStall(recorder, since))),
  );
  const follows = host === undefined ? {} : { follows: nameOf(host) };
  recorder.write({ at: recorder.now(), kind: 'role', by, role, ...follows });
}

function readLog(by: SentinelHost, server: Server, recorder: Recorder): void {
  for (const text of server.printed()) {
    const event = eventIn(by, text);
    if (event !== undefined) recorder.write(event);
    else if (isOutcry(text)) recorder.write({ at: recorder.now(), kind: 'outcry', by, text });
  }
}
