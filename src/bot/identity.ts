import { createHmac } from 'node:crypto';

/** What is kept of a forgotten person's Telegram id: nobody finds it out without the pepper, and whoever returns is known by it. */
export type IdentityOf = (telegramId: number) => string;

/** HMAC-SHA256 in hex. The pepper never changes: with another one, a forgotten person would return as somebody new. */
export function createIdentity(pepper: string): IdentityOf {
  return (telegramId) => createHmac('sha256', pepper).update(String(telegramId)).digest('hex');
}
