-- Names before a rename. Nothing above uses them. A view of your own that depends on one stops the migration with its
-- name instead of being dropped.
drop function if exists core.forget_raw_answers(date), core.forget_app_days(date), core.refresh_figures(integer);
drop view if exists core.wanted_app_day, core.known_app;
