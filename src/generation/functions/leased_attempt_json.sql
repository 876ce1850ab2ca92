create function ledger.leased_attempt_json(attempt ledger.attempts, at timestamptz) returns jsonb
language sql stable set search_path = ledger, pg_temp as $$
  select jsonb_build_object(
    'outcome', 'leased', 'attemptId', attempt.attempt_id, 'n', attempt.n, 'state', attempt.state, 'fence', attempt.fence,
    'leaseUntil', attempt.lease_until, 'notBefore', attempt.not_before, 'taskId', attempt.task_id, 'prompt', prompt.prompt,
    'photoUrl', photo.photo_url, 'submitNonce', attempt.submit_nonce, 'now', at,
    'generationDeadline', coalesce(least(clocks.generation, clocks.hold), clocks.hold),
    'usualSeconds', usual_seconds(orders.model),
    'order', jsonb_build_object(
      'photoKey', orders.photo_key, 'template', orders.template, 'productText', orders.product_text, 'wishes', orders.wishes,
      'language', orders.language, 'provider', orders.provider, 'model', orders.model, 'seconds', orders.seconds,
      'aspectRatio', orders.aspect_ratio, 'audio', orders.audio))
  from orders cross join lateral clocks_of(orders.order_id) as clocks
    -- A second task of the order sends the same prompt, and the same upload while it lives.
    left join lateral (
      select earlier.prompt from attempts as earlier
      where earlier.order_id = orders.order_id and earlier.prompt is not null order by earlier.n desc limit 1) as prompt on true
    left join lateral (
      select earlier.photo_url from attempts as earlier
      where earlier.order_id = orders.order_id and earlier.photo_url_until > at + interval '5 minutes'
      order by earlier.n desc limit 1) as photo on true
  where orders.order_id = attempt.order_id
$$;
