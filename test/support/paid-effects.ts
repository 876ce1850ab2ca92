import type { Chat, ChatAnswer } from '../../src/delivery/chat.ts';
import type { Workshop } from '../../src/generation/advance.ts';
import type { Database } from '../../src/postgres/call.ts';
import type { SubmitResult, VideoProvider } from '../../src/provider/provider.ts';
import type { ObjectStorage } from '../../src/storage/storage.ts';

/** Runs something beside a named function of the database: before it, or when its answer is on its way. */
export function around(
  database: Database,
  name: string,
  beside: { before?: () => void; after?: () => void },
): Database {
  return {
    async query(text, values) {
      const isIt = text.includes(`${name}(`);
      if (isIt) beside.before?.();
      const answer = await database.query(text, values);
      if (isIt) beside.after?.();
      return answer;
    },
  };
}

/** A provider that counts what was asked of it, and answers every submit alike. */
export function countingProvider(answer: SubmitResult = { kind: 'accepted', taskId: 'task' }) {
  const asked: string[] = [];
  const never = (what: string) => async (): Promise<never> => {
    asked.push(what);
    throw new Error(`${what} was not expected`);
  };
  const provider: VideoProvider = {
    name: 'kie',
    async submit() {
      asked.push('submit');
      return answer;
    },
    async uploadPhoto() {
      asked.push('uploadPhoto');
      return { url: 'https://files.example/photo' };
    },
    poll: never('poll'),
    echoesCallback: never('echoesCallback'),
    download: never('download'),
  };
  return { provider, asked };
}

/** A chat that counts the edits, and answers each alike. */
export function countingChat(answer: ChatAnswer = { kind: 'done', messageId: 7, fileId: 'file' }) {
  const asked: string[] = [];
  /** The messages that were edited. */
  const edited: number[] = [];
  const chat: Chat = {
    async showVideo({ messageId }) {
      asked.push('showVideo');
      edited.push(messageId);
      return answer;
    },
    async sendPlaceholder() {
      asked.push('sendPlaceholder');
      return answer;
    },
  };
  return { chat, asked, edited };
}

/** A storage that has every key. */
export function fullStorage(onGet: () => void = () => undefined): ObjectStorage {
  const bytes = new Uint8Array([1]);
  return {
    async get() {
      onGet();
      return bytes;
    },
    put: () => Promise.reject(new Error('nothing is stored here')),
    stat: () => Promise.resolve(undefined),
    remove: () => Promise.reject(new Error('nothing is removed here')),
  };
}

export function workshopOf(parts: Pick<Workshop, 'database' | 'provider'> & Partial<Workshop>): Workshop {
  const quiet = new AbortController().signal;
  return {
    prompter: { write: () => Promise.resolve({ prompt: 'a prompt', source: 'person' }) },
    storage: fullStorage(),
    stopping: quiet,
    lost: quiet,
    ...parts,
  };
}
