-- The current time. Every view calls this function, so that tests can move the clock. The function is in mart and open
-- to everyone, because functions in a view run with the rights of the user who reads the view.
-- Consumers: core.app_calendar, core.fresh_day_sum, mart.vendor_account, the planner.
create or replace function mart.clock()
returns timestamptz
language sql stable parallel safe
begin atomic
    select now();
end;

comment on function mart.clock is 'Return the current time from the warehouse''s clock.';
grant execute on function mart.clock to public;
