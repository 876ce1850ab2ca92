import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { checkout } from '../places.ts';

const personPhoto = join(checkout, 'dev', 'photos', 'person.jpg');
const side = 8;
/** Of 64 bits. Recompressing and scaling move two or three; other photos differ in twenty and more. */
const closeEnough = 10;

/** A difference hash: whether each of 8x8 cells is brighter than its right neighbour. */
export async function differenceHash(image: Uint8Array): Promise<bigint> {
  const pixels = await sharp(image)
    .rotate()
    .flatten({ background: '#ffffff' })
    .greyscale()
    .resize(side + 1, side, { fit: 'fill' })
    .raw()
    .toBuffer();
  let hash = 0n;
  for (let row = 0; row < side; row += 1) {
    for (let column = 0; column < side; column += 1) {
      const at = row * (side + 1) + column;
      hash = (hash << 1n) | ((pixels[at] ?? 0) > (pixels[at + 1] ?? 0) ? 1n : 0n);
    }
  }
  return hash;
}

/** How many bits of two hashes differ. */
export function distance(left: bigint, right: bigint): number {
  let bits = left ^ right;
  let count = 0;
  for (; bits > 0n; bits >>= 1n) count += Number(bits & 1n);
  return count;
}

let known: Promise<bigint | undefined> | undefined;

/**
 * Whether a photo is the portrait that the repository ships, however it was scaled, padded to a ratio that models accept, or
 * compressed since. Without that file nobody is recognised.
 */
export async function showsThePerson(image: Uint8Array): Promise<boolean> {
  known ??= existsSync(personPhoto) ? readFile(personPhoto).then(differenceHash) : Promise.resolve(undefined);
  const portrait = await known;
  return portrait !== undefined && distance(await differenceHash(image), portrait) <= closeEnough;
}
