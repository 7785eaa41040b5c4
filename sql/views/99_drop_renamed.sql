-- Drops objects that were renamed. No other object in the schema uses the old names. If one of your own views depends
-- on an old name, the migration stops and names the view instead of dropping it.
drop function if exists core.forget_raw_answers(date), core.forget_app_days(date), core.refresh_figures(integer);
drop view if exists core.wanted_app_day, core.known_app, core.expected_app_day;
alter table core.app_day drop column if exists old_kbps;
