// Arguments -> lines: every form of spec/config.md §1.6.
import { expect, test } from 'vitest';
import { commandLineToLines } from '../../src/config/command-line.ts';

test.each([
  { why: 'nothing', args: [], lines: [] },
  { why: 'name and value', args: ['--port', '5000'], lines: ['port "5000" '] },
  {
    why: 'several values',
    args: ['--bind', '127.0.0.1', '::1', '--port', '1'],
    lines: ['bind "127.0.0.1" "::1" ', 'port "1" '],
  },
  {
    why: 'blanks, quotes and hashes are safe',
    args: ['--requirepass', 'a "b" #c'],
    lines: [String.raw`requirepass "a \"b\" #c" `],
  },
  {
    why: 'name and value in one argument stay unquoted',
    args: ['--port 5000', '--hz', '1'],
    lines: ['port 5000 ', 'hz "1" '],
  },
  {
    why: 'an option right behind a bare name is its value',
    args: ['--logfile', '--port', '5'],
    lines: ['logfile "--port" "5" '],
  },
  { why: '--save may go without', args: ['--save', '--port', '5'], lines: ['save ""', 'port "5" '] },
  { why: '--save at the end', args: ['--save'], lines: ['save ""'] },
  { why: 'a bare --sentinel gets nothing', args: ['--sentinel', '--port', '5'], lines: ['sentinel ', 'port "5" '] },
  { why: 'a bare --sentinel at the end', args: ['--sentinel'], lines: ['sentinel '] },
  {
    why: 'a directive of its own',
    args: ['--sentinel', 'monitor', 'm', '127.0.0.1', '6379', '2'],
    lines: ['sentinel "monitor" "m" "127.0.0.1" "6379" "2" '],
  },
  { why: 'words without dashes form a line too', args: ['port', '21201'], lines: ['"port" "21201" '] },
  { why: 'a single dash is no option', args: ['-x', 'y'], lines: ['"-x" "y" '] },
  { why: 'a dash that is not the last is a value', args: ['-', '--port', '5'], lines: ['"-" ', 'port "5" '] },
])('$why', ({ args, lines }) => expect(commandLineToLines(args)).toEqual({ lines, stdin: false }));

test('a dash at the end asks for standard input', () => {
  expect(commandLineToLines(['--port', '5', '-'])).toEqual({ lines: ['port "5" '], stdin: true });
});
