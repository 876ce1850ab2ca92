/** The three formats every model takes, told by their first bytes and never by a name or a declared type. */
export type PhotoFormat = 'jpeg' | 'png' | 'webp';

const png = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/** The format the first bytes say; `undefined` for anything else. */
export function photoFormat(bytes: Uint8Array): PhotoFormat | undefined {
  const head = Buffer.from(bytes.subarray(0, 12));
  if (head.length < 12) return undefined;
  if (head[0] === 0xff && head[1] === 0xd8 && head[2] === 0xff) return 'jpeg';
  if (head.subarray(0, 8).equals(png)) return 'png';
  const riff = head.toString('latin1', 0, 4) === 'RIFF' && head.toString('latin1', 8, 12) === 'WEBP';
  return riff ? 'webp' : undefined;
}
