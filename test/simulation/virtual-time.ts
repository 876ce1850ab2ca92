import { createRequire, syncBuiltinESMExports } from 'node:module';
import type { Engine } from './engine.ts';
import type { Random } from './random.ts';

/*
 * In the simulation's own process, and only while an engine runs, the product's clocks, timers and dice are the engine's: nothing in
 * the product knows of it. Anything else of the machine (files, sockets) stays out of its reach by the doors it is given.
 */

const RealDate = Date;
const real = { setTimeout, clearTimeout, setInterval, clearInterval, now: performance.now.bind(performance) };
const realRandom = Math.random;

let engine: Engine | undefined;
let dice: Random | undefined;
let isInstalled = false;

/** While `work` runs, time and chance are the engine's. */
export function inVirtualTime<T>(theEngine: Engine, theDice: Random, work: () => T): T {
  install();
  engine = theEngine;
  dice = theDice;
  try {
    return work();
  } finally {
    engine = undefined;
    dice = undefined;
  }
}

/** What the clock of the process that runs now shows. */
function shownNow(): number {
  if (engine === undefined) return RealDate.now();
  return engine.now + (engine.current?.clockOffset ?? 0);
}

/** Called with `new`. What it makes is a plain date: a class of its own would cost more than most calls of the product. */
function VirtualDate(given?: number | string | Date): Date {
  return new RealDate(given ?? shownNow());
}
VirtualDate.prototype = RealDate.prototype;
VirtualDate.now = shownNow;
VirtualDate.parse = RealDate.parse;
VirtualDate.UTC = RealDate.UTC;

/** What `clearTimeout` is given. */
class Timer {
  readonly cancel: () => void;

  constructor(cancel: () => void) {
    this.cancel = cancel;
  }

  unref(): this {
    return this;
  }

  ref(): this {
    return this;
  }
}

function later(run: () => void, ms = 0): unknown {
  return engine === undefined ? real.setTimeout(run, ms) : new Timer(engine.after(ms, engine.current, run));
}

function every(run: () => void, ms = 0): unknown {
  if (engine === undefined) return real.setInterval(run, ms);
  const running = engine;
  const owner = running.current;
  let cancel = (): void => undefined;
  const turn = (): void => {
    cancel = running.after(ms, owner, turn);
    run();
  };
  cancel = running.after(ms, owner, turn);
  return new Timer(() => cancel());
}

function forget(timer: unknown): void {
  if (timer instanceof Timer) timer.cancel();
  else if (typeof timer === 'object' && timer !== null) Reflect.apply(real.clearTimeout, globalThis, [timer]);
}

/** `setTimeout` of `node:timers/promises`. */
function pause<T>(ms: number, value: T, { signal }: { signal?: AbortSignal } = {}): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(abortError(signal));
      return;
    }
    const timer = later(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve(value);
    }, ms);
    const onAbort = (): void => {
      forget(timer);
      if (signal !== undefined) reject(abortError(signal));
    };
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

function abortError(signal: AbortSignal): Error {
  return Object.assign(new Error('The operation was aborted', { cause: signal.reason }), {
    ...{ name: 'AbortError', code: 'ABORT_ERR' },
  });
}

function timeoutSignal(ms: number): AbortSignal {
  const controller = new AbortController();
  later(() => controller.abort(timedOut), ms);
  return controller.signal;
}

/** One for all: most time limits end when nobody listens any more, and a stack costs more than the rest of them. */
const timedOut = new DOMException('The operation was aborted due to timeout', 'TimeoutError');

/** The built-in one keeps weak references that the collector has to look after; here signals live as long as a schedule. */
function anySignal(signals: readonly AbortSignal[]): AbortSignal {
  const controller = new AbortController();
  for (const signal of signals) {
    if (signal.aborted) {
      controller.abort(signal.reason);
      return controller.signal;
    }
  }
  for (const signal of signals) {
    signal.addEventListener('abort', () => controller.abort(signal.reason), { once: true });
  }
  return controller.signal;
}

function install(): void {
  if (isInstalled) return;
  isInstalled = true;
  const load = createRequire(import.meta.url);
  const realCrypto = { uuid: crypto.randomUUID.bind(crypto) };
  const nodeCrypto = objectOf(load('node:crypto'));
  const realBytes: unknown = Reflect.get(nodeCrypto, 'randomBytes');
  const randomUUID = (): string => dice?.uuid() ?? realCrypto.uuid();
  const randomBytes = (length: number): unknown =>
    dice?.bytes(length) ??
    (typeof realBytes === 'function' ? Reflect.apply(realBytes, nodeCrypto, [length]) : undefined);

  Reflect.set(globalThis, 'Date', VirtualDate);
  Reflect.set(globalThis, 'setTimeout', later);
  Reflect.set(globalThis, 'setInterval', every);
  Reflect.set(globalThis, 'clearTimeout', forget);
  Reflect.set(globalThis, 'clearInterval', forget);
  Reflect.set(performance, 'now', () => (engine === undefined ? real.now() : engine.now));
  Reflect.set(Math, 'random', () => dice?.fraction() ?? realRandom());
  Reflect.set(AbortSignal, 'timeout', timeoutSignal);
  Reflect.set(AbortSignal, 'any', anySignal);
  Reflect.set(nodeCrypto, 'randomUUID', randomUUID);
  Reflect.set(nodeCrypto, 'randomBytes', randomBytes);
  Reflect.set(crypto, 'randomUUID', randomUUID);
  Reflect.set(objectOf(load('node:timers/promises')), 'setTimeout', pause);
  const timers = objectOf(load('node:timers'));
  Reflect.set(timers, 'setTimeout', later);
  Reflect.set(timers, 'clearTimeout', forget);
  // Whoever imported these by name before this moment has the new ones too.
  syncBuiltinESMExports();
}

function objectOf(module: unknown): object {
  if (typeof module !== 'object' || module === null) throw new Error('a built-in module is not an object');
  return module;
}
