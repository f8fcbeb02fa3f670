-- Who looks for leases that are over reads all leases of all runners, which are few: one index of them is enough,
-- and each lease writes into one less.
drop index desk.work_items_leased;
