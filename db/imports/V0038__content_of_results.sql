-- What is remembered of an imported result is what it says.

comment on column desk.imported_results.content_hash is
  'SHA-256 of its parameters and figures; of imports before that was so, of the bytes of its file.';
