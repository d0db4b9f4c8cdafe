// One running client program, as the driver sees it. The program gets its orders by the environment (`Orders`), tells
// what happens to it in lines of JSON on stdout (`Line`), and ends when a line comes on stdin or stdin ends.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { atExit } from '../../src/demo/processes.ts';
import { nowMs } from '../../src/demo/until.ts';

/** The environment of a program; credentials and files only where they are wanted. */
export interface Orders {
  /** `host:port` of each sentinel, with commas between. */
  SENTINELS: string;
  MASTER_NAME: string;
  /** The key to write numbers to, one after the other. */
  KEY: string;
  /** The RESP version to speak, where the library can choose. */
  PROTOCOL: '2' | '3';
  SENTINEL_USERNAME?: string;
  SENTINEL_PASSWORD?: string;
  REDIS_USERNAME?: string;
  REDIS_PASSWORD?: string;
  /** PEM files: the certificate authority, and the client's own certificate and key. All connections use TLS then. */
  TLS_CA?: string;
  TLS_CERT?: string;
  TLS_KEY?: string;
}

export type Line = { readonly at: number } & (
  | { readonly event: 'listening' }
  /** The number `n` was written and acknowledged. */
  | { readonly event: 'write'; readonly n: number }
  /** The number `n` was read from a node whose ROLE says `role`. */
  | { readonly event: 'read'; readonly n: number; readonly role: string }
  /** A sentinel published +switch-master. */
  | { readonly event: 'switched'; readonly payload: string }
  | { readonly event: 'error'; readonly where: string; readonly text: string }
  | { readonly event: 'stopped' }
);

export interface Program {
  readonly lines: readonly Line[];
  /** How it ended, by itself or after `stop`; `undefined` while it runs. */
  readonly exit: string | undefined;
  /** Ask it to end, and wait for that; SIGKILL after 10 s. */
  stop(): Promise<void>;
  /** The last lines of stdout and stderr, for error texts. */
  report(): string;
}

const STOP_MS = 10_000;

export function startProgram([file = '', ...args]: readonly string[], orders: Orders): Program {
  const child = spawn(file, args, { env: { ...process.env, ...orders }, stdio: 'pipe', detached: true });
  const forget = atExit(() => child.kill('SIGKILL'));
  const lines: Line[] = [];
  let stderr = '';
  let exit: string | undefined;
  const ended = new Promise<void>((resolve) => {
    const end = (how: string) => {
      exit ??= how;
      forget();
      resolve();
    };
    child.once('close', (code, signal) => end(signal ?? `exit code ${code}`));
    child.once('error', (error) => end(error.message));
  });
  createInterface({ input: child.stdout }).on('line', (text) => lines.push(parseLine(text)));
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = `${stderr}${text}`.slice(-4_000);
  });
  // Whoever has ended by itself takes no orders.
  child.stdin.on('error', () => undefined);
  return {
    lines,
    get exit() {
      return exit;
    },
    async stop() {
      child.stdin.end('stop\n');
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
      await ended;
      clearTimeout(timer);
    },
    report: () => [...lines.slice(-12).map((line) => JSON.stringify(line)), stderr.trim()].join('\n'),
  };
}

/** Whatever else a library prints is shown as an error, and judged as one. */
function parseLine(text: string): Line {
  try {
    return { at: nowMs(), ...(JSON.parse(text) as Omit<Line, 'at'>) } as Line;
  } catch {
    return { at: nowMs(), event: 'error', where: 'stdout', text };
  }
}
