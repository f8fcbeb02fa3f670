-- Symbols as the world writes them, and bars that are loaded in bulk.

alter table desk.instruments drop constraint instruments_symbol_shape;
alter table desk.instruments add constraint instruments_symbol_shape check (
  length(symbol) <= 32 and symbol ~ '^[A-Z0-9^$#@][A-Z0-9._^=&/:+$#@!*~-]*( [A-Z0-9._^=&/:+$#@!*~-]+)*$');

-- A look-up a bar takes longer than the bar itself. load_bars() alone writes bars, of an instrument that it has
-- locked, and price_versions refers to instruments, which nobody may delete.
alter table desk.bars drop constraint bars_instrument_id_fkey;
