-- The audit looks at every order's transfers; without an index that is every order times every transfer.
create index transfers_of_order on ledger.transfers (order_id);
