// Loaded into a ts-sentinel by --import: when SIGUSR2 comes, it plants the fault that the file FAULT_FILE names. The
// functions of ours that may fail are wrapped while their modules are loaded; until the signal comes they are as they were.
import { readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { register } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';

/** What may fail: a file of dist, and a function of it. */
const PLACES = [
  ['core/step.js', 'step'],
  ['commands/execute.js', 'execute'],
  ['config/rewrite.js', 'rewriteConfig'],
  ['shell/server.js', 'readRequests'],
  ['shell/server.js', 'flush'],
  ['shell/resolver.js', 'answerOf'],
  ['dist/main.js', 'perform'],
];

/**
 * `what`: a function, or one of `happenings`; `input`: only with this kind of input; `thrown`: what is thrown; `ms`: how
 * long it takes.
 */
let fault = { what: '', input: undefined, thrown: 'error', ms: 0 };

const happenings = {
  timer: () => void setTimeout(() => explode(), 1),
  rejection: () => void Promise.reject(planted()),
  'rejection of a turn': () => void (async () => explode())(),
  block: () => {
    const until = performance.now() + fault.ms;
    while (performance.now() < until);
  },
  'slow sync': async () => {
    const file = await open('/dev/null');
    const { sync } = Object.getPrototypeOf(file);
    await file.close();
    Object.getPrototypeOf(file).sync = async function () {
      await sleep(fault.ms);
      return sync.call(this);
    };
  },
  heap: () => {
    const kept = [];
    const fill = () => {
      for (let number = 0; number < 1e5; number++) kept.push({ number, text: `kept ${number}` });
      setImmediate(fill);
    };
    fill();
  },
};

function planted() {
  return new Error('a planted error', { cause: new Error('its cause') });
}

function explode() {
  if (fault.thrown === 'nothing') throw undefined;
  if (fault.thrown === 'text') throw 'a planted text';
  throw planted();
}

globalThis.mayFail = (what, args) => {
  if (fault.what !== what) return;
  if (fault.input === undefined || args[1]?.kind === fault.input) explode();
};

process.on('SIGUSR2', () => {
  fault = JSON.parse(readFileSync(process.env.FAULT_FILE, 'utf8'));
  happenings[fault.what]?.();
});

const hooks = `
  const places = ${JSON.stringify(PLACES)};
  export async function load(url, context, next) {
    const loaded = await next(url, context);
    let source = String(loaded.source ?? '');
    for (const [file, name] of places.filter(([file]) => url.endsWith('/' + file)))
      source = source.replace(
        new RegExp('^((?:export )?(?:async )?function )' + name + '\\\\(', 'm'),
        (_, head) => head + name + "(...args) { mayFail('" + name + "', args); return " + name + 'Unharmed(...args); }\\n' + head + name + 'Unharmed(',
      );
    return places.some(([file]) => url.endsWith('/' + file)) ? { ...loaded, source } : loaded;
  }
`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);
