// Random texts against what the grammar promises: words by a second, slower reading of the rules, errors with the right
// line, and a rewrite that says the same. FUZZ_SEED=7 draws other texts, FUZZ_RUNS=5000 more; failures are shrunk.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { commandLineToLines } from '../../src/config/command-line.ts';
import { ConfigError } from '../../src/config/config-error.ts';
import { checkConfig, type LoadedConfig, loadConfig } from '../../src/config/load.ts';
import { rewriteConfig } from '../../src/config/rewrite.ts';
import { quote, rawOrQuoted, tokenize, trimLine } from '../../src/config/tokens.ts';
import { fakeEnvironment } from './fake-environment.ts';

const settings = { seed: Number(process.env.FUZZ_SEED ?? 1), numRuns: Number(process.env.FUZZ_RUNS ?? 400) };
const check = <T>(what: fc.Arbitrary<T>, holds: (value: T) => void) =>
  fc.assert(
    fc.property(what, (value) => {
      holds(value);
    }),
    settings,
  );

/** Bytes, most of them such as quoting and white space are made of. */
const nasty = fc.string({
  unit: fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...'ab1x \t"\'\\\\\\#nr') },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code)) },
  ),
  maxLength: 30,
});
const oneLine = nasty.map((text) => text.replaceAll('\n', ' '));

/** The rules of spec/config.md §1.2 once more, a character at a time. */
function slowTokens(line: string): string[] | undefined {
  const space = /[ \t\n\v\f\r]/;
  const words: string[] = [];
  let at = 0;
  for (;;) {
    while (at < line.length && space.test(line.charAt(at))) at++;
    if (at >= line.length) return words;
    let word = '';
    let quoteMark = '';
    let ended = false;
    while (!ended) {
      const char = line.charAt(at);
      if (quoteMark !== '') {
        if (at >= line.length) return undefined;
        if (char === quoteMark) {
          if (at + 1 < line.length && !space.test(line.charAt(at + 1))) return undefined;
          ended = true;
        } else if (quoteMark === '"' && /^\\x[0-9a-f]{2}/i.test(line.slice(at))) {
          word += String.fromCharCode(Number.parseInt(line.slice(at + 2, at + 4), 16));
          at += 3;
        } else if (quoteMark === '"' && char === '\\' && at + 1 < line.length) {
          const next = line.charAt(++at);
          word += { n: '\n', r: '\r', t: '\t', b: '\b', a: '\x07' }[next] ?? next;
        } else if (quoteMark === "'" && line.startsWith("\\'", at)) {
          word += "'";
          at++;
        } else word += char;
      } else if (at >= line.length || ' \t\r\n'.includes(char)) ended = true;
      else if (char === '"' || char === "'") quoteMark = char;
      else word += char;
      at++;
    }
    words.push(word);
  }
}

test('arguments become lines with the same words', () => {
  const value = oneLine.filter((text) => !text.startsWith('-'));
  const option = fc.tuple(
    fc.constantFrom('port', 'logfile', 'sentinel'),
    fc.array(value, { minLength: 1, maxLength: 4 }),
  );
  check(fc.array(option, { maxLength: 4 }), (options) => {
    const { lines, stdin } = commandLineToLines(options.flatMap(([name, values]) => [`--${name}`, ...values]));
    expect(lines.map(tokenize)).toEqual(options.map(([name, values]) => [name, ...values]));
    expect(stdin).toBe(false);
  });
});

describe('words', () => {
  test('are those of the rules', () => check(nasty, (line) => expect(tokenize(line)).toEqual(slowTokens(line))));

  test('come back from their written forms, on one line of printable ASCII', () =>
    check(fc.array(nasty, { maxLength: 5 }), (words) => {
      for (const write of [quote, rawOrQuoted]) {
        const line = words.map(write).join(' ');
        expect(tokenize(line)).toEqual(words);
        expect(line).toMatch(/^[\x20-\x7e]*$/);
      }
    }));
});

const GOOD = ['port 5000', 'bind 127.0.0.1 ::1', 'loglevel verbose', '# a remark', '', '  timeout 7 ', 'hz 20'];
const OF_MASTER = [
  'sentinel parallel-syncs m 2',
  'SENTINEL down-after-milliseconds m 700',
  'sentinel known-replica m 10.0.0.2 6379',
  `sentinel known-sentinel m 10.0.0.3 26379 ${'b'.repeat(40)}`,
  'sentinel auth-pass m "a b"',
  'sentinel current-epoch 7',
  'sentinel config-epoch m 3',
  'sentinel rename-command m CONFIG "x y"',
];
const BAD = [
  'foo bar',
  'port 70000',
  'protected-mode perhaps',
  "requirepass it's",
  'sentinel monitor n 127.0.0.1 1 0',
  'sentinel monitor m 127.0.0.1 1 1',
  'sentinel myid short',
  'sentinel parallel-syncs nobody 1',
  'dir /no-such',
  'include',
  'timeout \0',
];
const MONITOR = 'sentinel monitor m 10.0.0.1 6379 2';
const WORDS = [
  'sentinel',
  'monitor',
  'm',
  'port',
  'user',
  'default',
  'on',
  'include',
  'dir',
  '5',
  '-1',
  '""',
  '127.0.0.1',
];

const good = fc.constantFrom(...GOOD, ...new Set(OF_MASTER));
const garbage = fc.oneof(
  oneLine,
  fc.array(fc.constantFrom(...WORDS), { maxLength: 7 }).map((words) => words.join(' ')),
);
const anyLine = fc.oneof(
  { weight: 3, arbitrary: good },
  { weight: 1, arbitrary: fc.constantFrom(...BAD) },
  { weight: 2, arbitrary: garbage },
  { weight: 1, arbitrary: fc.constant(MONITOR) },
);
const anyText = fc.array(anyLine, { maxLength: 12 }).map((lines) => lines.join('\n'));

/** What loading leads to; anything but a ConfigError fails the test. */
function outcome(text: string): LoadedConfig | ConfigError {
  try {
    return loadConfig(text, fakeEnvironment());
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}

describe('any text', () => {
  test('loads, or is refused with the line at fault as it stands there', () =>
    check(anyText, (text) => {
      const found = outcome(text);
      if (!(found instanceof ConfigError) || found.line === undefined) return;
      expect(found.text).toBe(trimLine(text.split('\n')[found.line - 1] ?? 'no such line'));
    }));

  test('is judged alike by --check-config, which goes on behind the first problem', () =>
    check(anyText, (text) => {
      const found = outcome(text);
      const { problems } = checkConfig(text, fakeEnvironment());
      const nowhere = (error: ConfigError) => error.reason.startsWith('Configured to not listen');
      const [first] = problems.filter((error) => !nowhere(error));
      if (!(found instanceof ConfigError)) return expect(first).toBeUndefined();
      expect([first?.line, first?.reason]).toEqual([found.line, found.reason]);
    }));

  test('that loads says the same when it was rewritten, and stays as it is from then on', () =>
    check(anyText, (text) => {
      const found = outcome(text);
      if (found instanceof ConfigError) return;
      const durable = { ...found.durable, myId: 'a'.repeat(40) };
      const written = rewriteConfig(text, durable, found.inEffect);
      const again = loadConfig(written, fakeEnvironment());
      expect(again.durable).toEqual(durable);
      expect(again.general).toEqual({ ...found.general, dir: found.inEffect.dir });
      expect(rewriteConfig(written, durable, found.inEffect)).toBe(written);
      // The next process writes the default user's longer form, as the genuine server's would; then nothing changes.
      const second = rewriteConfig(written, again.durable, again.inEffect);
      const third = loadConfig(second, fakeEnvironment());
      expect(rewriteConfig(second, third.durable, third.inEffect)).toBe(second);
    }));
});

test('one bad line among good ones is the one that is named', () =>
  check(fc.tuple(fc.uniqueArray(good), fc.constantFrom(...BAD), fc.nat()), ([lines, bad, place]) => {
    const before = place % (lines.length + 1);
    const text = [MONITOR, ...lines.slice(0, before), bad, ...lines.slice(before)].join('\n');
    expect(outcome(text)).toMatchObject({ line: before + 2, text: trimLine(bad) });
  }));
