import { randomBytes } from 'node:crypto';

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
const LENGTH = 12;

/** 12 lower-case base32 letters: a legal Kubernetes name, readable over the phone, 60 bits of chance. */
export const ORDER_ID_PATTERN = /^[a-z2-7]{12}$/;

/** A new random order id, the same in names, logs and support. 32 divides 256, so every letter is equally likely. */
export function newOrderId(): string {
  let id = '';
  for (const byte of randomBytes(LENGTH)) id += ALPHABET.charAt(byte % ALPHABET.length);
  return id;
}

export function isOrderId(word: string): boolean {
  return ORDER_ID_PATTERN.test(word);
}
