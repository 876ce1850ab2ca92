/** The control interface, as the page uses it. */

async function ask(method, path, body) {
  const isForm = body instanceof FormData;
  const response = await fetch(`/dev/${path}`, {
    method,
    headers: body === undefined || isForm ? {} : { 'content-type': 'application/json' },
    body: body === undefined || isForm ? body : JSON.stringify(body),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error ?? `HTTP ${response.status}`);
  return answer;
}

export const backend = {
  bot: () => ask('GET', 'bot'),
  chats: () => ask('GET', 'chats'),
  chat: (id) => ask('GET', `chats/${id}`),
  addChat: (body) => ask('POST', 'chats', body),
  changeChat: (id, body) => ask('PATCH', `chats/${id}`, body),
  say: (id, text) => ask('POST', `chats/${id}/messages`, { text }),
  sendFile: (id, kind, file, caption) => {
    const form = new FormData();
    if (caption !== '') form.set('caption', caption);
    form.set(kind, file, file.name);
    return ask('POST', `chats/${id}/messages`, form);
  },
  press: (id, message_id, data) => ask('POST', `chats/${id}/callbacks`, { message_id, data, wait: 15 }),
  pay: (id, place) => ask('POST', `chats/${id}/payments`, place),
  samples: () => ask('GET', 'photos'),
  sample: async (name) => {
    const response = await fetch(`/dev/photos/${name}`);
    return new File([await response.blob()], name, { type: 'image/jpeg' });
  },
};
