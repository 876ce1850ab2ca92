import { styleText } from 'node:util';

/** One line a step, with the time since the start and since the step before it. */
export interface View {
  step(text: string): void;
  note(text: string): void;
  good(text: string): void;
  bad(text: string): void;
  heading(text: string): void;
}

export function createView(write: (line: string) => void = (line) => process.stdout.write(`${line}\n`)): View {
  const start = performance.now();
  const line = (mark: string, text: string): void => {
    const elapsed = ((performance.now() - start) / 1000).toFixed(1).padStart(6);
    write(`${styleText('dim', `${elapsed} s`)}  ${mark} ${text}`);
  };
  return {
    step: (text) => line(styleText('cyan', '·'), text),
    note: (text) => line(' ', styleText('dim', text)),
    good: (text) => line(styleText('green', '✓'), text),
    bad: (text) => line(styleText('red', '✗'), text),
    heading: (text) => write(`\n${styleText('bold', text)}`),
  };
}
