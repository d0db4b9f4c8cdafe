// Every command of the genuine server with every number of arguments, in both cases of letters and both protocols.
import type { Conversation } from './known.ts';

/** Arguments that fit nearly nothing, so that what is compared is the checks in their order. */
const FILLERS = ['mymaster', '1', 'x', '', 'yes', '0', '-1'];
/** Commands that would take the master away from the rest of the suite are about a master that nobody knows. */
const DESTRUCTIVE = /^sentinel\|(failover|remove|reset)$/;

/** Conversations for the names of COMMAND LIST, `container|sub` among them. */
export function everyArity(names: readonly string[]): Conversation[] {
  return names.flatMap((name) => {
    const words = name.split('|');
    // SHUTDOWN without a word would end the suite.
    const atLeast = name === 'shutdown' ? 1 : 0;
    const counts = Array.from({ length: FILLERS.length + 1 - atLeast }, (_, index) => index + atLeast);
    return counts.flatMap((count) => {
      const fillers = DESTRUCTIVE.test(name) ? ['nobody', ...FILLERS.slice(1)] : FILLERS;
      const request = [...words, ...fillers.slice(0, count)];
      const shouted = [...words.map((word) => word.toUpperCase()), ...request.slice(words.length)];
      return [[request], [shouted], [['HELLO', '3'], request], [['hello', '3'], shouted]];
    });
  });
}
