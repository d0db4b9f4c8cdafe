// Publish and subscribe: who listens to which event, and the hellos that peers bring to us directly.
import { step } from '../core/step.ts';
import { bulk, error, integer, nullBulk, push, type Reply } from '../protocol/reply.ts';
import { encode } from '../protocol/resp-writer.ts';
import { globMatches } from './glob.ts';
import { answer, type Call, type Outcome } from './outcome.ts';
import {
  type SessionId,
  type Sessions,
  type SubscriptionKind,
  subscribe,
  subscriptionCount,
  unsubscribe,
} from './session.ts';

const HELLO_CHANNEL = '__sentinel__:hello';

const subscribing =
  (verb: string, kind: SubscriptionKind) =>
  ({ world, session, args }: Call): Outcome => ({
    replies: args.slice(1).map((name) => {
      subscribe(world.sessions, session, kind, name);
      return push([bulk(verb), bulk(name), integer(subscriptionCount(session))]);
    }),
  });

/** Without names: everything of this kind; a client that listens to nothing is told so once. */
const unsubscribing =
  (verb: string, kind: SubscriptionKind) =>
  ({ world, session, args }: Call): Outcome => {
    const names = args.length > 1 ? args.slice(1) : [...session[kind]];
    if (names.length === 0) return answer(push([bulk(verb), nullBulk, integer(subscriptionCount(session))]));
    const replies = names.map((name) => {
      unsubscribe(world.sessions, session, kind, name);
      return push([bulk(verb), bulk(name), integer(subscriptionCount(session))]);
    });
    return { replies };
  };

export const subscribeChannels = subscribing('subscribe', 'channels');
export const subscribePatterns = subscribing('psubscribe', 'patterns');
export const unsubscribeChannels = unsubscribing('unsubscribe', 'channels');
export const unsubscribePatterns = unsubscribing('punsubscribe', 'patterns');

/** PUBLISH: only hellos of other sentinels, which are taken in and passed on to nobody. */
export function publish({ world, clock, args }: Call): Outcome {
  const [, channel = '', text = ''] = args;
  if (channel !== HELLO_CHANNEL) return answer(error('ERR Only HELLO messages are accepted by Sentinel instances.'));
  return { replies: [integer(1)], effects: step(world.state, { kind: 'hello', text }, clock, world.rand) };
}

export interface Delivery {
  readonly session: SessionId;
  readonly bytes: Buffer;
}

/**
 * The messages that an event leads to: channel listeners before pattern listeners, one for each matching pattern.
 * A message is encoded once per protocol, and all who use it get the same bytes.
 */
export function deliveries(sessions: Sessions, channel: string, payload: string): Delivery[] {
  const found: Delivery[] = [];
  const listening = sessions.byChannel.get(channel);
  if (listening !== undefined)
    deliver(sessions, listening, push([bulk('message'), bulk(channel), bulk(payload)]), found);
  for (const [pattern, ids] of sessions.byPattern) {
    if (!globMatches(pattern, channel)) continue;
    deliver(sessions, ids, push([bulk('pmessage'), bulk(pattern), bulk(channel), bulk(payload)]), found);
  }
  return found;
}

function deliver(sessions: Sessions, ids: Iterable<SessionId>, message: Reply, found: Delivery[]): void {
  const encoded: { 2?: Buffer; 3?: Buffer } = {};
  for (const id of ids) {
    const session = sessions.byId.get(id);
    if (session === undefined) continue;
    const bytes = encoded[session.protocol] ?? encode(message, session.protocol);
    encoded[session.protocol] = bytes;
    found.push({ session: id, bytes });
  }
}
