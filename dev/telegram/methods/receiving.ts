import { z } from 'zod';
import { badRequest } from '../refusal.ts';
import type { Call, Method } from '../telegram.ts';

const longestPoll = 50;
const biggestDownload = 20 << 20;

const types = z.array(z.string());

/** An omitted list keeps the one of before; an empty one means every usual type. */
function rememberAllowed(call: Call): void {
  const wanted = call.parameters.json('allowed_updates', types, "can't parse allowed_updates JSON object");
  const { store } = call.telegram;
  if (wanted === undefined || JSON.stringify(wanted) === JSON.stringify(store.allowedUpdates)) return;
  store.commit([{ t: 'allowed-updates', types: wanted }]);
}

const getUpdates: Method = async (call) => {
  const { parameters, telegram } = call;
  if (telegram.store.webhook === undefined) rememberAllowed(call);
  const poll = {
    offset: parameters.integer('offset', 0),
    limit: parameters.integer('limit', 100, 1, 100),
    timeout: parameters.integer('timeout', 0, 0, longestPoll),
  };
  const updates = await telegram.updates.poll(poll, call.signal);
  if (updates.length > 0) call.journal.commit([], { updates: updates.map((update) => update.update_id) });
  return updates;
};

const setWebhook: Method = (call) => {
  const { parameters, telegram } = call;
  const url = parameters.text('url');
  if (url === '') return removeWebhook(call);
  const secret = parameters.text('secret_token');
  if (secret.length > 256) throw badRequest('secret token is too long');
  if (!/^[A-Za-z0-9_-]*$/.test(secret)) throw badRequest('secret token contains unallowed characters');
  requireWebhookUrl(url);
  rememberAllowed(call);
  telegram.updates.interrupt('terminated by setWebhook request');
  call.journal.commit([
    ...dropped(call),
    { t: 'webhook', webhook: { url, secret, maxConnections: parameters.integer('max_connections', 40, 1, 100) } },
  ]);
  return true;
};

/** The real server demands HTTPS; plain HTTP is let through to this machine only, where tests and the demo listen. */
function requireWebhookUrl(url: string): void {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined) throw badRequest('invalid webhook URL specified');
  const isLocal = ['127.0.0.1', 'localhost', '[::1]'].includes(parsed.hostname);
  if (parsed.protocol !== 'https:' && !(parsed.protocol === 'http:' && isLocal)) {
    throw badRequest('bad webhook: An HTTPS URL must be provided for webhook');
  }
}

function dropped(call: Call): { t: 'confirmed'; ids: number[] }[] {
  if (!call.parameters.flag('drop_pending_updates')) return [];
  return [{ t: 'confirmed', ids: call.telegram.store.pending.map((update) => update.update_id) }];
}

function removeWebhook(call: Call): true {
  call.journal.commit([...dropped(call), { t: 'webhook', webhook: null }]);
  return true;
}

const getWebhookInfo: Method = (call) => {
  const { webhook, pending, allowedUpdates } = call.telegram.store;
  return {
    url: webhook?.url ?? '',
    has_custom_certificate: false,
    pending_update_count: pending.length,
    ...(webhook === undefined ? {} : { max_connections: webhook.maxConnections }),
    ...(webhook?.lastErrorDate === undefined ? {} : { last_error_date: webhook.lastErrorDate }),
    ...(webhook?.lastErrorMessage === undefined ? {} : { last_error_message: webhook.lastErrorMessage }),
    ...(allowedUpdates.length === 0 ? {} : { allowed_updates: allowedUpdates }),
  };
};

const getFile: Method = (call) => {
  const id = call.parameters.text('file_id');
  if (id === '') throw badRequest('file_id not specified');
  const file = call.telegram.store.files.get(id);
  if (file === undefined) throw badRequest('invalid file_id');
  if (file.size > biggestDownload) throw badRequest('file is too big');
  return {
    file_id: file.file_id,
    file_unique_id: file.file_unique_id,
    file_size: file.size,
    file_path: file.path,
  };
};

export const receiving: Readonly<Record<string, Method>> = {
  getUpdates,
  setWebhook,
  deleteWebhook: removeWebhook,
  getWebhookInfo,
  getFile,
};
