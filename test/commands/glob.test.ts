// Patterns as PSUBSCRIBE and SENTINEL RESET understand them (spec/commands.md §1.4).
import { expect, test } from 'vitest';
import { globMatches } from '../../src/commands/glob.ts';

test.each([
  { why: 'the same text', pattern: 'abc', text: 'abc', matches: true },
  { why: 'case counts', pattern: 'abc', text: 'ABC', matches: false },
  { why: 'nothing matches nothing', pattern: '', text: '', matches: true },
  { why: 'nothing matches only nothing', pattern: '', text: 'a', matches: false },
  { why: 'a star may be empty', pattern: 'a*c', text: 'ac', matches: true },
  { why: 'a star goes back', pattern: '*ab*c', text: 'aabxabyc', matches: true },
  { why: 'stars at the end', pattern: 'a**', text: 'a', matches: true },
  { why: 'one character', pattern: 'a?c', text: 'abc', matches: true },
  { why: 'one character must be there', pattern: 'a?', text: 'a', matches: false },
  { why: 'a class', pattern: '[ab]x', text: 'bx', matches: true },
  { why: 'a range', pattern: '[a-c]', text: 'b', matches: true },
  { why: 'a range the wrong way round', pattern: '[c-a]', text: 'b', matches: true },
  { why: 'a negated class', pattern: '[^a]', text: 'a', matches: false },
  { why: 'a dash first is a dash', pattern: '[-+]sdown', text: '+sdown', matches: true },
  {
    why: 'a dash in the middle makes a range, even with the bracket',
    pattern: '[+-]sdown',
    text: '+sdown',
    matches: false,
  },
  { why: 'a star escaped', pattern: 'a\\*', text: 'a*', matches: true },
  { why: 'a star escaped is no star', pattern: 'a\\*', text: 'ab', matches: false },
  { why: 'an escape within a class', pattern: '[\\]]', text: ']', matches: true },
])('$why: $pattern on $text', ({ pattern, text, matches }) => {
  expect(globMatches(pattern, text)).toBe(matches);
});

test('a hostile pattern takes no exponential time', () => {
  expect(globMatches(`${'a*'.repeat(200)}b`, 'a'.repeat(20_000))).toBe(false);
});
