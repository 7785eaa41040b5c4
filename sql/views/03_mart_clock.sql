-- The time that decides which days are over and which are no longer available. Every view takes it from here, so that
-- a test can let years of nights pass. In mart and for everyone, because a view's functions are called with the rights
-- of whoever reads the view. Consumers: core.known_app, core.fresh_day_sum, mart.vendor_account, the planner.
create or replace function mart.clock()
returns timestamptz
language sql stable parallel safe
begin atomic
    select now();
end;

comment on function mart.clock is 'The current time, by the warehouse''s clock.';
grant execute on function mart.clock to public;
