import { createInvoice, readOfferedPackages } from '../ledger/payments.ts';
import type { ActPlace } from './desk.ts';
import { plain, show, toast } from './screens.ts';
import type { Context, Step } from './step.ts';

/** What is on sale, each package with its button. */
export async function offer({ texts, balance, contact }: Context, { transaction }: ActPlace): Promise<Step> {
  const packages = await readOfferedPackages(transaction);
  if (packages.length === 0) return { say: [show(plain(texts.nothingOnSale({ contact })))] };
  const keyboard = packages.map((one) => [
    { text: texts.packageButton(one), press: { kind: 'buy', package: one.packageId } as const },
  ]);
  return { say: [show({ html: texts.packages({ available: balance.available, contact }), keyboard })] };
}

/**
 * Makes the row of a bill in the caller's transaction; only when that has committed the bill is sent, with the row's id as its payload.
 * Should it be sent twice, both are the same bill: the second one is refused as paid.
 */
export async function sell(
  { package: packageId, callbackId }: { package: string; callbackId: string },
  { texts, userId, contact }: Context,
  { transaction }: ActPlace,
): Promise<Step> {
  const quiet = toast(callbackId);
  const invoice = await createInvoice(transaction, userId, packageId);
  if (invoice.outcome !== 'created') return { say: [quiet, show(plain(texts.saleRefused({ contact })))] };
  const { invoiceId, credits, stars } = invoice;
  const title = texts.invoiceTitle({ credits });
  const description = texts.invoiceDescription({ credits });
  return { say: [quiet, { kind: 'invoice', invoiceId, title, description, stars }] };
}
