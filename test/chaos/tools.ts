// The programs of the system that hosts, links and disks are made with.
import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Run a program to its end, with `input` on its standard input; an error tells what it said. */
export async function tool(words: readonly string[], input = ''): Promise<string> {
  const { code, output } = await tryTool(words, input);
  if (code !== 0) throw new Error(`${words.join(' ')}: ${output.trim() || `exit code ${code}`}`);
  return output;
}

/** The same, where failing is an answer. */
export async function tryTool(
  [program = '', ...args]: readonly string[],
  input = '',
): Promise<{ code: number | null; output: string }> {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk));
  // A program that ends at once does not read its input.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, output };
  } catch (error) {
    return { code: null, output: String(error) };
  }
}
