import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The photos that ship with the repository; the page offers them as one-click attachments. */
export type SamplePhotos = { readonly directory: string; names(): readonly string[] };

export function samplePhotos(): SamplePhotos {
  const directory = fileURLToPath(new URL('../photos/', import.meta.url));
  return {
    directory,
    names: () =>
      existsSync(directory)
        ? readdirSync(directory)
            .filter((name) => name.endsWith('.jpg'))
            .toSorted()
        : [],
  };
}
