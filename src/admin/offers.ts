import { setPackage, setPromo } from '../ledger/grants.ts';
import { actOf, type Command, numberOf, UsageError } from './command.ts';

export const packageSet: Command = {
  words: 'package set',
  usage: 'NAME CREDITS STARS [--withdrawn]',
  about: 'offers a package of credits, or takes it out of the offer; another price is another version',
  async run([name, credits, stars], admin) {
    if (name === undefined) throw new UsageError('name the package, its credits and its price in Stars');
    const asked = {
      packageId: name,
      credits: numberOf(credits, 'the number of credits'),
      stars: numberOf(stars, 'the price in Stars'),
      offered: admin.options.withdrawn !== true,
    };
    const act = actOf(admin);
    if (act.dryRun) {
      admin.terminal.out(
        `${name} would be ${asked.offered ? 'offered' : 'withdrawn'}: ${asked.credits} credits for ${asked.stars} Stars\n`,
      );
      return 0;
    }
    const set = await setPackage(admin.database, asked, act);
    admin.terminal.out(
      `${set.packageId} version ${set.version}: ${set.credits} credits for ${set.stars} Stars, ${set.offered ? 'offered' : 'not offered'}\n`,
    );
    return 0;
  },
};

export const promoSet: Command = {
  words: 'promo set',
  usage: 'CODE CREDITS [--limit USES] [--until DATE]',
  about: 'makes a code, or changes how often and until when it works',
  async run([code, credits], admin) {
    if (code === undefined) throw new UsageError('name the code and its credits');
    const { limit, until } = admin.options;
    const asked = {
      code,
      credits: numberOf(credits, 'the number of credits'),
      usesLimit: limit === undefined ? null : numberOf(limit, 'the number of uses'),
      until: until === undefined ? null : dateOf(until),
    };
    const act = actOf(admin);
    const described = `${asked.credits} credits${asked.usesLimit === null ? '' : `, at most ${asked.usesLimit} times`}${asked.until === null ? '' : `, until ${asked.until.toISOString()}`}`;
    if (!act.dryRun) await setPromo(admin.database, asked, act);
    admin.terminal.out(`${code} ${act.dryRun ? 'would give' : 'gives'} ${described}\n`);
    return 0;
  },
};

function dateOf(word: string): Date {
  const date = new Date(word);
  if (Number.isNaN(date.getTime())) throw new UsageError('a date is written like 2026-12-31 or 2026-12-31T12:00Z');
  return date;
}
