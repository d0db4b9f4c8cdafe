// The words of a line, and their written forms: every row of spec/config.md §1.2 and §4.3.
import { describe, expect, test } from 'vitest';
import { leadingWords, quote, rawOrQuoted, tokenize, trimLine } from '../../src/config/tokens.ts';

describe('tokenize', () => {
  test.each([
    { why: 'blanks and tabs in any number separate', line: 'a  b\t c', words: ['a', 'b', 'c'] },
    {
      why: 'VT and FF separate between words that a quote forces to be read with care',
      line: '"a"\vb',
      words: ['a', 'b'],
    },
    { why: 'VT inside an unquoted word is an ordinary character', line: 'a\vb c', words: ['a\vb', 'c'] },
    { why: 'FF in front of a word is skipped', line: '\fa b', words: ['a', 'b'] },
    { why: 'CR ends an unquoted word', line: 'a\rb', words: ['a', 'b'] },
    { why: 'nothing is no word', line: '', words: [] },
    { why: 'blanks only are no word', line: ' \t ', words: [] },
    { why: 'escapes in double quotes', line: String.raw`"\n\r\t\b\a"`, words: ['\n\r\t\b\x07'] },
    { why: 'hex escapes in any case', line: String.raw`"\x41\xfF\x0a"`, words: ['A\xff\n'] },
    { why: 'a hex escape needs two digits', line: String.raw`"\x4g\x"`, words: ['x4gx'] },
    { why: 'any other escaped character is itself', line: String.raw`"\q\"\\"`, words: ['q"\\'] },
    { why: "only \\' is an escape in single quotes", line: String.raw`'it\'s\n'`, words: [String.raw`it's\n`] },
    { why: 'a quote in mid-word opens a quoted part', line: 'foo"bar" a"b c"', words: ['foobar', 'ab c'] },
    { why: 'single quotes in mid-word too', line: "a'b c'", words: ['ab c'] },
    { why: 'text behind a closing quote is an error', line: '"foo"bar', words: undefined },
    { why: 'a second quoted part right behind is an error', line: `"a"'b'`, words: undefined },
    { why: 'an open single quote is an error', line: "it's", words: undefined },
    { why: 'an open double quote is an error', line: 'a "b', words: undefined },
    { why: 'a backslash at the end does not close it', line: '"a\\', words: undefined },
    { why: 'an escaped quote does not close it', line: '"a\\"', words: undefined },
    { why: 'a backslash outside quotes is ordinary', line: String.raw`foo\x20bar`, words: [String.raw`foo\x20bar`] },
    { why: 'empty quotes are an empty word', line: `"" ''`, words: ['', ''] },
    { why: 'a hash is ordinary text', line: 'a#b #c', words: ['a#b', '#c'] },
    { why: 'bytes above 127 are ordinary, also the no-break space', line: 'a\xa0b \xff', words: ['a\xa0b', '\xff'] },
  ])('$why', ({ line, words }) => {
    expect(tokenize(line)).toEqual(words);
  });

  test('leadingWords stops at three', () => {
    expect(leadingWords('a b c d')).toEqual(['a', 'b', 'c']);
    expect(leadingWords('a b "c" d')).toEqual(['a', 'b', 'c']);
    expect(leadingWords('a b')).toEqual(['a', 'b']);
    expect(leadingWords('a "b')).toBeUndefined();
  });
});

describe('written forms', () => {
  test.each([
    { why: 'plain text', text: 'abc', quoted: '"abc"', safe: 'abc' },
    { why: 'a hash needs no quotes', text: 'a#b', quoted: '"a#b"', safe: 'a#b' },
    { why: 'a blank does', text: 'a b', quoted: '"a b"', safe: '"a b"' },
    { why: 'nothing at all does', text: '', quoted: '""', safe: '""' },
    { why: 'single quote', text: "it's", quoted: `"it's"`, safe: `"it's"` },
    { why: 'double quote', text: 'a"b', quoted: String.raw`"a\"b"`, safe: String.raw`"a\"b"` },
    { why: 'backslash', text: 'a\\b', quoted: String.raw`"a\\b"`, safe: String.raw`"a\\b"` },
    {
      why: 'control characters with a name',
      text: '\n\r\t\x07\b',
      quoted: String.raw`"\n\r\t\a\b"`,
      safe: String.raw`"\n\r\t\a\b"`,
    },
    {
      why: 'other bytes as lower-case hex',
      text: '\0\x7f\xe9\xff',
      quoted: String.raw`"\x00\x7f\xe9\xff"`,
      safe: String.raw`"\x00\x7f\xe9\xff"`,
    },
  ])('$why', ({ text, quoted, safe }) => {
    expect(quote(text)).toBe(quoted);
    expect(rawOrQuoted(text)).toBe(safe);
    expect(tokenize(quoted)).toEqual([text]);
    expect(tokenize(safe)).toEqual([text]);
  });

  test('every byte comes back', () => {
    const all = String.fromCharCode(...Array.from({ length: 256 }, (_, code) => code));
    expect(tokenize(quote(all))).toEqual([all]);
    for (const byte of all) expect(tokenize(`x ${rawOrQuoted(byte)}`)).toEqual(['x', byte]);
  });

  test('text that is no byte string is a programmer error, not a damaged file', () => {
    expect(() => quote('€')).toThrow(RangeError);
    expect(() => quote('😀')).toThrow(RangeError);
  });

  test('trimLine takes only blank, tab, CR and LF', () => {
    expect(trimLine(' \t\r\na b\r')).toBe('a b');
    expect(trimLine('\va\xa0')).toBe('\va\xa0');
  });
});
