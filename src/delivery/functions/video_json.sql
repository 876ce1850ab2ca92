create function ledger.video_json(the_order text) returns jsonb
language sql stable set search_path = ledger, pg_temp as $$
  select jsonb_build_object('key', video_key, 'sha256', video_sha256, 'bytes', video_bytes, 'seconds', video_seconds,
    'width', video_width, 'height', video_height)
  from attempts where order_id = the_order and state = 'succeeded'
$$;
