import { reclaimOrder } from '../audit/restoring.ts';
import { closeOrderByAdmin } from '../ledger/oversight.ts';
import { actOf, type Command, orderOf, UsageError } from './command.ts';
import { readOrder } from './order-rows.ts';
import { describeVideoJob, renderOrder } from './order-show.ts';

export const orderShow: Command = {
  words: 'order show',
  usage: 'ORDER',
  about: 'who waits and why: hold, VideoJob, attempts, delivery, next step',
  async run([word], { database, env, terminal: { out, err } }) {
    const orderId = orderOf(word);
    const record = await readOrder(database, orderId);
    if (record === null) {
      err(`The ledger knows no order ${orderId}: compare it with the name of the VideoJob (vj-<order>).\n`);
      return 1;
    }
    out(renderOrder(record, await describeVideoJob(orderId, env.NEUROCARDS_NAMESPACE)));
    return 0;
  },
};

export const orderClose: Command = {
  words: 'order close',
  usage: 'ORDER --forfeit',
  about: 'gives the credits back although a paid task may run',
  async run([word], admin) {
    const orderId = orderOf(word);
    if (admin.options.forfeit !== true)
      throw new UsageError('closing an order by hand may give up a paid task: say --forfeit');
    // An order ends once, whatever it is called.
    const act = { reference: admin.options.reference ?? `close:${orderId}`, ...actOf(admin) };
    const { out, err } = admin.terminal;
    const { settled, because } = await closeOrderByAdmin(admin.database, orderId, act);
    if (settled !== null) out(`${orderId} ${settled.outcome}: ${settled.reason}\n`);
    else if (because === null) out(`${orderId} would be closed: its credits would go back\n`);
    else err(`Not closed: ${because}.\n`);
    return settled === null && because !== null ? 1 : 0;
  },
};

export const orderReclaim: Command = {
  words: 'order reclaim',
  usage: 'ORDER',
  about: 'lets another VideoJob with the same content claim an open order whose own is lost',
  async run([word], admin) {
    const orderId = orderOf(word);
    const { outcome, because } = await reclaimOrder(
      admin.database,
      orderId,
      admin.options.reference ?? null,
      actOf(admin),
    );
    if (outcome === 'refused') {
      admin.terminal.err(`Not reclaimed: ${because ?? outcome}.\n`);
      return 1;
    }
    admin.terminal.out(
      outcome === 'would-reclaim'
        ? `${orderId} would be posted again, for another VideoJob to claim\n`
        : `${orderId} is posted again; its next VideoJob claims it, and the former one never comes back\n`,
    );
    return 0;
  },
};
