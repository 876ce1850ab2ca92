import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import pg from 'pg';

/** The database roles: `owner` owns the schemas, every other one is a process's, with EXECUTE on its own functions only. */
export const ROLES = ['owner', 'bot', 'controller', 'runner', 'admin'] as const;
export type Role = (typeof ROLES)[number];

interface Session {
  query(text: string): Promise<unknown>;
}

/**
 * Makes the roles that are missing and sets the passwords that were given. Roles belong to the whole server, so several databases
 * may be doing this at the same moment. Where the connected role may not make roles, they must be there already.
 */
export async function ensureRoles(session: Session, passwords: Partial<Record<Role, string>> = {}): Promise<void> {
  for (const role of ROLES) {
    const name = pg.escapeIdentifier(role);
    await session.query(`
      do $$ begin
        if not exists (select from pg_roles where rolname = ${pg.escapeLiteral(role)}) then create role ${name} login; end if;
      exception when duplicate_object or unique_violation then null; -- somebody else just made it
      end $$`);
    const password = passwords[role];
    if (password !== undefined) {
      await repeated(() =>
        session.query(`alter role ${name} login password ${pg.escapeLiteral(scramVerifier(password))}`),
      );
    }
  }
}

/** What PostgreSQL stores of a password (RFC 5803), computed here so that the server's log of statements never holds the password. */
export function scramVerifier(password: string, salt: Buffer = randomBytes(16), iterations = 4096): string {
  const salted = pbkdf2Sync(password.normalize('NFKC'), salt, iterations, 32, 'sha256');
  const hmac = (text: string): Buffer => createHmac('sha256', salted).update(text).digest();
  const storedKey = createHash('sha256').update(hmac('Client Key')).digest('base64');
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${storedKey}:${hmac('Server Key').toString('base64')}`;
}

/** Two sessions that alter one role at once: the later one is told "tuple concurrently updated" (XX000) and may do it again. */
async function repeated(call: () => Promise<unknown>, times = 5): Promise<void> {
  for (let left = times; ; left -= 1) {
    try {
      await call();
      return;
    } catch (error) {
      const again = error instanceof Error && error.message.includes('tuple concurrently updated');
      if (!again || left <= 1) throw error;
    }
  }
}
