// Where the demo shows itself: a live picture on a terminal, plain lines everywhere else.
// On a terminal the picture has the alternate screen; what stays is printed when it is left.
import type { EventLine } from './event-lines.ts';
import { createPaint, type Paint, wantsColours } from './paint.ts';
import { drawPicture, LONGEST_CHANNEL, sinceText, type View } from './picture.ts';
import { atExit } from './processes.ts';

export interface Screen {
  readonly paint: Paint;
  /** How wide lines should be. */
  columns(): number;
  /** A line that stays. */
  say(line: string): void;
  /** A new step of the story. */
  step(text: string): void;
  /** An event by the sentinel at that place, timed from `zeroAt`. */
  event(line: EventLine, place: number, at: number, zeroAt: number): void;
  /** Show the live picture from now on. */
  open(view: () => View): void;
  /** Leave the last picture behind and go on with lines. */
  close(): void;
}

const FRAME_MS = 100;
const ENTER = '\u001b[?1049h\u001b[?25l';
const LEAVE = '\u001b[?25h\u001b[?1049l';

/** The screen that suits the stream. */
export function createScreen(out: NodeJS.WriteStream, env: Record<string, string | undefined>): Screen {
  const paint = createPaint(wantsColours(out.isTTY === true, env));
  return out.isTTY === true && env.TERM !== 'dumb' ? terminalScreen(out, paint) : plainScreen(out, paint);
}

function terminalScreen(out: NodeJS.WriteStream, paint: Paint): Screen {
  let view: (() => View) | undefined;
  let timer: NodeJS.Timeout | undefined;
  let forget: () => void = () => undefined;
  // Some terminals tell no size.
  const columns = () => out.columns || 80;
  const say = (line: string) => void out.write(`${line}\n`);
  const draw = () => {
    if (view === undefined) return;
    const lines = drawPicture(view(), { columns: columns(), rows: (out.rows || 24) - 1 }, paint);
    out.write(`\u001b[H${lines.map((line) => `${line}\u001b[K\n`).join('')}\u001b[J`);
  };
  return {
    paint,
    columns,
    say,
    step: (text) => (view === undefined ? say(text) : draw()),
    event: () => undefined,
    open(show) {
      view = show;
      forget = atExit(() => void out.write(LEAVE));
      out.write(ENTER);
      timer = setInterval(draw, FRAME_MS);
      draw();
    },
    close() {
      if (view === undefined) return;
      clearInterval(timer);
      forget();
      out.write(LEAVE);
      const all = Number.MAX_SAFE_INTEGER;
      for (const line of drawPicture(view(), { columns: columns(), rows: all }, paint)) say(line);
      view = undefined;
    },
  };
}

/** How often a file or a pipe learns how the writes go. */
const NEWS_MS = 1_000;

function plainScreen(out: NodeJS.WriteStream, paint: Paint): Screen {
  let timer: NodeJS.Timeout | undefined;
  const say = (line: string) => void out.write(`${line}\n`);
  return {
    paint,
    columns: () => 120,
    say,
    step: (text) => say(`> ${text}`),
    event: ({ channel, text }, place, at, zeroAt) =>
      say(`${sinceText(at - zeroAt)} s  sentinel ${place + 1}  ${channel.padEnd(LONGEST_CHANNEL)} ${text}`),
    open(view) {
      timer = setInterval(() => say(writesNews(view())), NEWS_MS);
    },
    close: () => clearInterval(timer),
  };
}

function writesNews({ perSecond, refusedForMs, nodes }: View): string {
  const writes = refusedForMs === undefined ? `${perSecond} writes per second` : 'writes are refused';
  return `  ${writes}; ${nodes.map(({ name, state }) => `${name}: ${state}`).join(', ')}`;
}
