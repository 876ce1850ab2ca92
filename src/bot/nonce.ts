import { randomBytes } from 'node:crypto';

const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';

/** 16 random base32 letters (80 bits): nobody guesses another's draft. */
export function newNonce(): string {
  let nonce = '';
  for (const byte of randomBytes(16)) nonce += alphabet.charAt(byte % alphabet.length);
  return nonce;
}
