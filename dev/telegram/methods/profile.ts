import { z } from 'zod';
import type { Profile } from '../model.ts';
import { badRequest } from '../refusal.ts';
import type { Call, Method } from '../telegram.ts';
import { botUser, privateChat } from '../views.ts';
import { chatOf } from './target.ts';

const commandList = z.array(z.looseObject({ command: z.string(), description: z.string() }));

function languageOf(call: Call): string {
  const code = call.parameters.text('language_code');
  if (code !== '' && !/^[a-z]{2}$/.test(code)) throw badRequest('LANGUAGE_CODE_INVALID');
  return code;
}

function save(call: Call, change: Partial<Profile>): true {
  call.journal.commit([{ t: 'profile', profile: { ...call.telegram.store.profile, ...change } }]);
  return true;
}

/** Scopes other than one chat's are one list here: the page shows what a person in a private chat sees. */
function listName(call: Call): string {
  const scope = call.parameters.json(
    'scope',
    z.looseObject({ type: z.string(), chat_id: z.union([z.int(), z.string()]).optional() }),
    "can't parse BotCommandScope JSON object",
  );
  const language = languageOf(call);
  return scope?.type === 'chat' ? `${language}@${scope.chat_id ?? ''}` : language;
}

const setMyCommands: Method = (call) => {
  const given = call.parameters.json('commands', commandList, "can't parse commands JSON object");
  if (given === undefined) throw badRequest('parameter "commands" is required');
  if (given.length > 100) throw badRequest('BOT_COMMANDS_TOO_MUCH');
  const commands = given.map((each) => {
    const command = each.command.replace(/^\//, '');
    if (!/^[a-z0-9_]{1,32}$/.test(command)) throw badRequest('BOT_COMMAND_INVALID');
    if (each.description.length < 1 || each.description.length > 256)
      throw badRequest('BOT_COMMAND_DESCRIPTION_INVALID');
    return { command, description: each.description };
  });
  return save(call, { commands: { ...call.telegram.store.profile.commands, [listName(call)]: commands } });
};

const deleteMyCommands: Method = (call) => {
  const { [listName(call)]: _gone, ...kept } = call.telegram.store.profile.commands;
  return save(call, { commands: kept });
};

const getMyCommands: Method = (call) => call.telegram.store.profile.commands[listName(call)] ?? [];

const setText =
  (field: 'description' | 'shortDescription', parameter: string, longest: number): Method =>
  (call) => {
    const text = call.parameters.text(parameter);
    if (text.length > longest) throw badRequest('ABOUT_TOO_LONG');
    return save(call, { [field]: { ...call.telegram.store.profile[field], [languageOf(call)]: text } });
  };

const getText =
  (field: 'description' | 'shortDescription', parameter: string): Method =>
  (call) => {
    const texts = call.telegram.store.profile[field];
    return { [parameter]: texts[languageOf(call)] ?? texts[''] ?? '' };
  };

const getMe: Method = (call) => ({
  ...botUser(call.telegram.bot),
  can_join_groups: true,
  can_read_all_group_messages: false,
  supports_inline_queries: false,
  can_connect_to_business: false,
  has_main_web_app: false,
});

const getChat: Method = (call) => ({ ...privateChat(chatOf(call)), accent_color_id: 0, max_reaction_count: 11 });

export const profile: Readonly<Record<string, Method>> = {
  getMe,
  getChat,
  setMyCommands,
  getMyCommands,
  deleteMyCommands,
  setMyDescription: setText('description', 'description', 512),
  getMyDescription: getText('description', 'description'),
  setMyShortDescription: setText('shortDescription', 'short_description', 120),
  getMyShortDescription: getText('shortDescription', 'short_description'),
  setChatMenuButton: (call) => {
    call.journal.commit([]);
    return true;
  },
};
