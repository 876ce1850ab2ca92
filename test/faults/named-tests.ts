/** Where a row of the crash table is a test of its own: the file, and what the test is called there. */
export interface NamedTest {
  readonly file: string;
  readonly title: string;
}

const integration = (file: string, title: string): NamedTest => ({ file: `test/integration/${file}.test.ts`, title });
const faults = (file: string, title: string): NamedTest => ({ file: `test/faults/${file}.test.ts`, title });

/** The rows that have a test elsewhere; every other one is `row N: ...` in `rows.test.ts`. */
export const NAMED_TESTS: Readonly<Record<number, NamedTest>> = {
  2: integration('ledger-contest', 'leaves an order placed or not, and the same nonce finds out which'),
  3: integration(
    'bot-restart',
    'killed between placing an order and saying so, the order is there once and the person hears of it',
  ),
  5: integration('ledger-contest', 'eight taps on one button make one order'),
  8: integration('controller-claims', 'our own object of an order that was settled meanwhile finishes with its reason'),
  9: integration('ledger-contest', 'is relayed again and again until it is claimed, and by one relay at a time'),
  10: integration('bot-order', 'orders are taken while the API server is away, and posted when it is back'),
  15: faults(
    'runners',
    'between begin_submit and the POST: no task is ever made, and the credits come back at the clock',
  ),
  16: faults('runners', 'inside createTask, its answer lost: the callback names the one task'),
  17: integration('generation-submit', 'is repeated after a refusal that passes, with one paid task at the end'),
  19: integration('generation-submit', 'a task that was accepted while PostgreSQL was away'),
  21: integration(
    'attack-callback',
    "a forged callback does not put another person's task into an order, and the true one is found",
  ),
  22: integration('generation-follow', 'that finds nothing, garbage, an error or a new state says nothing about it'),
  23: faults('runners', 'during the download: the next one downloads again'),
  27: faults('runners', 'after an edit that happened and was never answered: there is one video'),
  29: integration('delivery-pod', 'with the reply of shown lost captures once'),
  31: integration('delivery-pod', 'lets the earlier one show nothing more, and its late edit changes nothing'),
  34: integration('ledger-contest', 'an order is settled once, whoever asks for whatever end'),
  37: integration('controller-ends', 'whose finalizer was stripped closes the order after a second look'),
  38: integration(
    'attack-controller',
    'an order whose VideoJob was replaced by another one of its name ends as deleted',
  ),
  39: faults('objects', 'ends as ClaimRefused: no ledger write, no Job, no paid call'),
  42: integration(
    'payments-reconciliation',
    'a payment whose update got lost is found in the list, booked and told; the update may still come',
  ),
  43: integration(
    'payments-refund',
    'a refund takes the credits first and returns the Stars once, though its answer is lost',
  ),
  44: integration('audit-mode', 'nothing is relayed, claimed or refused, also no object that nobody ordered'),
};
