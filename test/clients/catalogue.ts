// The clients that are tested: which program drives which library, what the library can do, and where its version stands.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RuntimeName } from './runtimes.ts';

export interface ClientSpec {
  /** For people, for the command line, and (as one word) for the key that it writes. */
  readonly name: string;
  readonly runtime: RuntimeName;
  /** The folder of its program, which has a build file of its own; several clients may share one. */
  readonly folder: string;
  /** How to start the program, given the folder that the build has filled. */
  command(built: string): readonly string[];
  /** File and pattern that tell the version of the library. */
  readonly version: readonly [file: string, pattern: RegExp];
  /** Reads from replicas by itself. */
  readonly reads: boolean;
  /** Its program also subscribes to the events of a sentinel with it. */
  readonly listens: boolean;
  /** Clients run together in batches: programs that cost much processor time are kept apart. */
  readonly batch: 'node' | 'native' | 'jvm';
}

const here = import.meta.dirname;

function node(name: string, script: string, packageName: string, can: Pick<ClientSpec, 'reads' | 'listens'>) {
  return {
    name,
    runtime: 'node',
    folder: 'node',
    command: (built) => [process.execPath, join(built, `${script}.js`), packageName],
    version: ['../../package.json', new RegExp(`"${packageName}": "(?:npm:.*@)?([\\d.]+)"`)],
    batch: 'node',
    ...can,
  } satisfies ClientSpec as ClientSpec;
}

function python(name: string, script: string): ClientSpec {
  return {
    name,
    runtime: 'python',
    folder: 'redis-py',
    command: (built) => [join(built, 'bin', 'python'), '-B', join(here, 'redis-py', script)],
    version: ['redis-py/requirements.txt', /^redis==([\d.]+)$/m],
    reads: true,
    listens: true,
    batch: 'native',
  };
}

function java(name: string, module: string, artifact: string): ClientSpec {
  return {
    name,
    runtime: 'java',
    folder: 'java',
    // Small heaps and the first compiler only: three of them share the machine with a cluster.
    command: (built) => [
      'java',
      '-Xmx128m',
      '-XX:TieredStopAtLevel=1',
      '-XX:+UseSerialGC',
      '-cp',
      `${join(built, module, 'classes')}:${join(built, module, 'libraries')}/*`,
      'Main',
    ],
    version: [`java/${module}/pom.xml`, new RegExp(`<artifactId>${artifact}</artifactId>\\s*<version>(.*?)</version>`)],
    reads: true,
    listens: true,
    batch: 'jvm',
  };
}

const everything = { reads: true, listens: true };

export const clients: readonly ClientSpec[] = [
  node('ioredis 6', 'ioredis', 'ioredis', everything),
  node('ioredis 5', 'ioredis', 'ioredis5', everything),
  node('node-redis', 'node-redis', 'redis', everything),
  node('iovalkey', 'ioredis', 'iovalkey', everything),
  // A queue knows neither replicas nor subscriptions to sentinels.
  node('BullMQ', 'bullmq', 'bullmq', { reads: false, listens: false }),
  python('redis-py', 'blocking.py'),
  python('redis-py asyncio', 'with_asyncio.py'),
  java('Jedis', 'jedis', 'jedis'),
  java('Lettuce', 'lettuce', 'lettuce-core'),
  java('Redisson', 'redisson', 'redisson'),
  {
    name: 'go-redis',
    runtime: 'go',
    folder: 'go-redis',
    command: (built) => [join(built, 'client')],
    version: ['go-redis/go.mod', /go-redis\/v9 v([\d.]+)/],
    batch: 'native',
    ...everything,
  },
  {
    name: 'redis-rs',
    runtime: 'rust',
    folder: 'redis-rs',
    command: (built) => [join(built, 'debug', 'client')],
    version: ['redis-rs/Cargo.toml', /^redis = \{ version = "=([\d.]+)"/m],
    batch: 'native',
    ...everything,
  },
];

/** The version of the library as its build file pins it. */
export function versionOf({ name, version: [file, pattern] }: ClientSpec): string {
  const found = pattern.exec(readFileSync(join(here, file), 'utf8'))?.[1];
  if (found === undefined) throw new Error(`${file} does not tell the version of ${name}`);
  return found;
}
