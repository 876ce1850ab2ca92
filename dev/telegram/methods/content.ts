import { z } from 'zod';
import type { Formatted } from '../entities.ts';
import { parseHtml, trimmed } from '../entities.ts';
import type { FileRecord, StateRecord, StoredMessage } from '../model.ts';
import { entity } from '../model.ts';
import type { Upload } from '../parameters.ts';
import { parseJson } from '../parameters.ts';
import { badRequest } from '../refusal.ts';
import type { Call } from '../telegram.ts';

const longestText = 4096;
const longestCaption = 1024;
const biggestPhoto = 10 << 20;

export type MediaKind = 'photo' | 'video' | 'document';

export type Media = {
  /** What the message gets: `{ video: fileId }` and the like. */
  readonly content: Partial<Pick<StoredMessage, MediaKind>>;
  readonly kind: MediaKind;
  /** New files, to be committed with the message. */
  readonly files: readonly FileRecord[];
};

function formatted(text: string, parseMode: string, entities: string): Formatted {
  const mode = parseMode.toLowerCase();
  if (mode === 'html') return parseHtml(text);
  if (mode === 'markdown' || mode === 'markdownv2') {
    throw badRequest(`this stand-in reads HTML only, not parse_mode ${parseMode}`);
  }
  if (mode !== '' && mode !== 'none') throw badRequest('unsupported parse_mode');
  const given = entities === '' ? [] : parseJson(entities, z.array(entity), "can't parse entities JSON object");
  return trimmed(text, given);
}

/** The `text` of a message. Lengths count UTF-16 units after the tags are gone. */
export function readText(call: Call, isEdit: boolean): { text: string; entities: Formatted['entities'] } {
  const { parameters } = call;
  const text = parameters.text('text');
  if (text === '') throw badRequest('message text is empty');
  const read = formatted(text, parameters.text('parse_mode'), parameters.text('entities'));
  if (read.text === '') throw badRequest('text must be non-empty');
  if (read.text.length > longestText) throw badRequest(isEdit ? 'MESSAGE_TOO_LONG' : 'message is too long');
  return read;
}

/** A caption as the fields of a message; no fields when it is empty. */
export function captionFields(
  caption: string,
  parseMode: string,
  entities: string,
): Pick<StoredMessage, 'caption' | 'caption_entities'> {
  const read = formatted(caption, parseMode, entities);
  if (read.text.length > longestCaption) throw badRequest('message caption is too long');
  if (read.text === '') return {};
  return { caption: read.text, ...(read.entities.length === 0 ? {} : { caption_entities: [...read.entities] }) };
}

export function readCaption(call: Call): Pick<StoredMessage, 'caption' | 'caption_entities'> {
  const { parameters } = call;
  return captionFields(parameters.text('caption'), parameters.text('parse_mode'), parameters.text('caption_entities'));
}

/** The numbers that a call or an InputMedia gives about its video; 0 where it gives none. */
export type GivenFacts = { readonly width: number; readonly height: number; readonly duration: number };

/**
 * The file a call names: an upload (by field name or `attach://name`) or a file_id of this bot.
 * @param field the multipart field of the file itself, '' inside an InputMedia
 * @throws Refusal with the server's words for a missing, foreign or unfit file
 */
export async function readMedia(
  call: Call,
  kind: MediaKind,
  value: string,
  field: string,
  given: GivenFacts,
  thumbnail: string,
): Promise<Media> {
  const upload = uploadOf(call, value, field);
  if (upload === undefined) {
    if (value === '') throw badRequest(`there is no ${kind} in the request`);
    return known(call, kind, value);
  }
  if (upload.size === 0) throw badRequest('file must be non-empty');
  const { files } = call.telegram;
  if (kind === 'photo') {
    if (upload.size > biggestPhoto) throw badRequest('too big for a photo');
    const sizes = await files.photo(upload.path);
    return { kind, files: sizes, content: { photo: sizes.at(-1)?.file_id ?? '' } };
  }
  if (kind === 'video') {
    const made = await files.video(upload, given, uploadOf(call, thumbnail, 'thumbnail'));
    if (made !== undefined) return { kind, files: made, content: { video: made[0]?.file_id ?? '' } };
  }
  // What is no video becomes a document, as it does at Telegram.
  const document = await files.document(upload);
  return { kind: 'document', files: [document], content: { document: document.file_id } };
}

function uploadOf(call: Call, value: string, field: string): Upload | undefined {
  const attached = /^attach:\/\/(.+)$/.exec(value)?.[1];
  if (attached !== undefined) {
    const found = call.parameters.files.get(attached);
    if (found === undefined) throw badRequest('wrong file identifier/HTTP URL specified');
    return found;
  }
  return value === '' ? call.parameters.files.get(field) : undefined;
}

function known(call: Call, kind: MediaKind, value: string): Media {
  if (/^https?:\/\//i.test(value)) throw badRequest('failed to get HTTP URL content');
  const file = call.telegram.store.files.get(value);
  if (file === undefined) throw badRequest('wrong file identifier/HTTP URL specified');
  if (file.kind !== kind) {
    throw badRequest(`can't use file of type ${capital(file.kind)} as ${capital(kind)}`);
  }
  const id = file.sizes?.at(-1) ?? file.file_id;
  return { kind, files: [], content: { [kind]: id } };
}

function capital(word: string): string {
  return word.slice(0, 1).toUpperCase() + word.slice(1);
}

export function fileRecords(media: Media): StateRecord[] {
  return media.files.map((file) => ({ t: 'file', file }));
}
