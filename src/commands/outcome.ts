// What a request leads to, and what its handler may look at: the boundary between the commands and the shell.
import type { Clock, Effect } from '../core/effects.ts';
import type { Rand, SentinelState } from '../core/state.ts';
import type { Reply } from '../protocol/reply.ts';
import type { Access } from './acl/access.ts';
import type { Session, SessionId, Sessions } from './session.ts';
import type { CommandTable } from './spec.ts';

export interface Outcome {
  /**
   * Nothing was done but to answer. The same client that asks the same again at this instant gets the same answer, and
   * whoever knows that need not ask.
   */
  readonly repeatable?: true;
  /** SUBSCRIBE answers once per channel; everything else exactly once, or not at all. */
  readonly replies: readonly Reply[];
  /** The reply that comes when something outside is done; the client's next requests wait for it. */
  readonly later?: Promise<Reply>;
  /** Takes the place of `replies` when this turn's save failed. */
  readonly ifUnsaved?: Reply;
  /** Run before the reply is written. */
  readonly effects?: readonly Effect[];
  /** Run behind the reply. */
  readonly after?: readonly Effect[];
  /** Nothing was done yet: run the request again when this host name is settled (`isSettled`), and say nothing before. */
  readonly awaitsName?: string;
  /** CLIENT PAUSE: nothing was done yet; run the request again when the pause is over. */
  readonly held?: boolean;
  /** Close this connection behind the reply … */
  readonly close?: boolean;
  /** … or at once, with whatever was not written yet. */
  readonly abandon?: boolean;
  /** Other connections to close. */
  readonly kill?: readonly SessionId[];
  /** End the process. */
  readonly shutdown?: boolean;
}

/** Facts of the process that only the shell knows; INFO and HELLO tell them. */
export interface ProcessFacts {
  /** The Redis version that we speak like. */
  readonly version: string;
  readonly pid: number;
  /** 40 hex, new at each start. */
  readonly runId: string;
  readonly port: number;
  readonly configFile: string;
  readonly executable: string;
  readonly os: string;
  readonly archBits: number;
  readonly supervised: string;
  readonly uptimeSeconds: number;
  readonly maxClients: number;
  readonly connectionsReceived: number;
  readonly commandsProcessed: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly connectionsRejected: number;
  readonly errorReplies: number;
  /** Seconds. */
  readonly cpu: { readonly system: number; readonly user: number };
}

export interface CommandWorld {
  readonly state: SentinelState;
  readonly sessions: Sessions;
  readonly rand: Rand;
  readonly access: Access;
  /** What clients can call, under the names of `rename-command`. */
  readonly table: CommandTable;
  isExecutable(path: string): boolean;
  facts(): ProcessFacts;
}

/** One request on its way through a handler. */
export interface Call {
  readonly world: CommandWorld;
  readonly session: Session;
  readonly clock: Clock;
  /** The whole request as byte strings, the command's name first. */
  readonly args: readonly string[];
  readonly table: CommandTable;
}

/** An outcome that is one reply and nothing else. */
export function answer(reply: Reply): Outcome {
  return { replies: [reply] };
}

/** The same of a command that only tells, and tells no error. */
export function tell(reply: Reply): Outcome {
  return { replies: [reply], repeatable: true };
}

/** An outcome that is one reply, and ends these connections behind it; our own one may be among them. */
export function closing({ session }: Call, reply: Reply, closed: readonly Session[]): Outcome {
  const kill = closed.filter((each) => each !== session).map(({ id }) => id);
  return { replies: [reply], kill, close: closed.includes(session) };
}
