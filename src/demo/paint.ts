// Colours for terminals, and lines cut to a terminal's width.
// A painter without colours returns every text as it is.

const codes = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;

export type Paint = Record<keyof typeof codes, (text: string) => string>;

/** The painter with colours, or the one without. */
export function createPaint(colours: boolean): Paint {
  const painters = Object.entries(codes).map(([name, code]) => [
    name,
    (text: string) => (colours && text !== '' ? `\u001b[${code}m${text}\u001b[0m` : text),
  ]);
  return Object.fromEntries(painters) as Paint;
}

/** Colours are for terminals, and for nobody who has set NO_COLOR (https://no-color.org). */
export function wantsColours(isTerminal: boolean, env: Record<string, string | undefined>): boolean {
  return isTerminal && (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb';
}

/** Cut a line to `columns` characters that show; escape sequences take no place and are kept to the end. */
export function cut(line: string, columns: number): string {
  let shown = 0;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one
  return line.replaceAll(/\u001b\[\d+m|./gu, (part) => {
    if (part.startsWith('\u001b')) return part;
    shown++;
    return shown <= columns ? part : '';
  });
}

/** Break a text between words into lines of at most `columns` characters that show, where its words allow it. */
export function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  let width = columns;
  for (const word of text.split(' ')) {
    const length = shownLength(word);
    if (width + 1 + length > columns) {
      lines.push(word);
      width = length;
    } else {
      lines.push(`${lines.pop()} ${word}`);
      width += 1 + length;
    }
  }
  return lines;
}

function shownLength(text: string): number {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one
  return [...text.replaceAll(/\u001b\[\d+m/g, '')].length;
}
