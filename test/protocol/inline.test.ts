// Lines into words: quotes, escapes and blanks, each as redis-sentinel 7.0.15 answers it.
import { expect, test } from 'vitest';
import { splitInline } from '../../src/protocol/inline.ts';

test.each<{ why: string; line: string; words: string[] | undefined }>([
  { why: 'nothing', line: '', words: [] },
  { why: 'blanks only', line: ' \t\v\f ', words: [] },
  { why: 'blanks around and between', line: '  a \t b\r', words: ['a', 'b'] },
  { why: 'a carriage return parts words', line: 'a\rb', words: ['a', 'b'] },
  { why: 'a vertical tab or form feed does not', line: 'a\vb\f', words: ['a\vb\f'] },
  { why: 'but both are passed over before a word', line: '\v\fa \vb', words: ['a', 'b'] },
  { why: 'an empty word needs quotes', line: `a "" ''`, words: ['a', '', ''] },
  { why: 'quotes may open in a word', line: 'a"b c" d', words: ['ab c', 'd'] },
  { why: 'any blank may stand behind a closing quote', line: '"a"\v"b"', words: ['a', 'b'] },
  { why: 'a word ends where its quotes close', line: '"a"b', words: undefined },
  { why: 'also when another quote opens there', line: `"a"'b'`, words: undefined },
  { why: 'the same for single quotes', line: `'a'b`, words: undefined },
  { why: 'an open double quote', line: '"a', words: undefined },
  { why: 'an open single quote', line: `'a`, words: undefined },
  { why: 'an escaped quote does not close', line: '"a\\"', words: undefined },
  { why: 'a backslash at the end closes nothing', line: '"a\\', words: undefined },
  { why: 'known escapes', line: '"\\n\\r\\t\\b\\a"', words: ['\n\r\t\b\x07'] },
  { why: 'hexadecimal, either case', line: '"\\x4a\\x4A\\xff\\x00"', words: ['JJ\xff\0'] },
  { why: 'broken hexadecimal is an x and what follows', line: '"\\xzz\\x4"', words: ['xzzx4'] },
  { why: 'any other escape is its character', line: '"\\q\\\\\\""', words: ['q\\"'] },
  { why: 'single quotes know one escape only', line: `'a\\'b\\n\\\\x'`, words: ["a'b\\n\\\\x"] },
  { why: 'so a backslash before the last one keeps them open', line: `'a\\\\'`, words: undefined },
  { why: 'outside quotes a backslash is a character', line: 'a\\nb', words: ['a\\nb'] },
  { why: 'the other kind of quote is a character', line: `"it's" 'say "a"'`, words: ["it's", 'say "a"'] },
  { why: 'a NUL is a byte like any other', line: 'a\0b', words: ['a\0b'] },
])('$why', ({ line, words }) => {
  expect(splitInline(line)).toEqual(words);
});
